"""Descriptions: what is kept, what is taken out, and what becomes of images."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest

from projects import readme, rendering

pytestmark = pytest.mark.once

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    "[x](javascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "<iframe src=https://evil.example.org></iframe>",
    "<style>body{display:none}</style>",
    '<p style="position:fixed">x</p>',
    '<form action="https://evil.example.org"><input name=password></form>',
    '<svg onload="alert(1)"><use href="#x"/></svg>',
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    '<base href="https://evil.example.org/">',
    '<meta http-equiv="refresh" content="0; url=https://evil.example.org">',
    '<object data="https://evil.example.org"></object>',
    "<details open ontoggle=alert(1)>x</details>",
    '<a href="https://x.example.org" target="_blank" rel="opener" class="button danger">x</a>',
]
KINDS = ["text/markdown", "text/markdown; variant=CommonMark", "text/x-rst", "text/plain", ""]


class Reader(HTMLParser):
    """Notes the tags and attributes that a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str | None]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= set(attrs)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_runs(text: str, kind: str) -> None:
    reader = Reader()
    reader.feed(readme.render(text, kind))
    assert reader.tags <= readme._TAGS - {"img"}
    assert {name for name, _value in reader.attributes} <= {"href", "title", "rel", "id", "open"}
    for name, value in reader.attributes:
        assert name != "href" or str(value).startswith(("https://", "#"))


DONE = '<input type="checkbox" checked="" disabled="" aria-label="done">'
TO_DO = '<input type="checkbox" disabled="" aria-label="to do">'


def test_the_boxes_of_task_lists_are_shown() -> None:
    html = readme.render("- [x] one\n- [ ] two *three*\n  1. [X] four\n", "text/markdown")
    assert f"<li>{DONE} one</li>" in html
    assert f"<li>{TO_DO} two <em>three</em>" in html
    assert f"<li>{DONE} four</li>" in html


@pytest.mark.parametrize(
    "box",
    [
        '<input type="checkbox" name="a" value="b" id="c" class="d" aria-label="e" form="f">',
        '<input type="checkbox" autofocus onclick="alert(1)" style="position:fixed">',
        "- [ ] x",
    ],
)
def test_a_box_cannot_be_used(box: str) -> None:
    html = readme.render(box, "text/markdown")
    assert html.count(TO_DO) == html.count("input") == 1


@pytest.mark.parametrize("kind", ["text", "password", "submit", "file", "image", "radio", "", "x"])
def test_nothing_can_be_typed_or_pressed(kind: str) -> None:
    html = readme.render(f'a <input type="{kind}" value=x name=y> b <input> c', "text/markdown")
    assert "<input" not in html


def test_markdown_and_rst_become_html() -> None:
    html = readme.render(
        "# Foo\n\nDoes *foo*.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n", "text/markdown"
    )
    assert "<em>foo</em>" in html
    assert "<td>1</td>" in html
    html = readme.render("Foo\n===\n\nDoes *foo*.\n\nBar\n===\n\nx\n", "text/x-rst")
    assert "<em>foo</em>" in html


@pytest.mark.parametrize(
    "kind", ["text/plain", "text/plain; charset=UTF-8", "image/png", ";;", "x"]
)
def test_everything_else_is_text(kind: str) -> None:
    assert readme.render("*a* <b>", kind) == "<pre>*a* &lt;b&gt;</pre>"


def test_rst_that_cannot_be_read_is_text() -> None:
    text = "Foo\n===\n\n.. include:: /etc/passwd\n\n.. raw:: html\n\n   <b>x</b>\n"
    assert readme.render(text, "text/x-rst").startswith("<pre>Foo\n===")


def test_what_is_very_long_is_text() -> None:
    assert readme.render("*" * (readme.MAX_RENDERED + 1), "text/markdown").startswith("<pre>***")


def test_headings_stand_below_those_of_the_page() -> None:
    html = readme.render("# One\n\n## Two\n\n##### Five\n", "text/markdown")
    assert "<h3" in html
    assert "<h4" in html
    assert "<h6" in html
    assert "<h1" not in html
    assert "<h2" not in html


def test_places_cannot_meet_those_of_the_page() -> None:
    html = readme.render('<h2 id="main">x</h2>\n\n[up](#main)\n', "text/markdown")
    assert 'id="main"' not in html
    assert 'id="description-' in html
    assert 'href="#description-' in html


LINKED_MARKDOWN = """
[to two](#two-words), [to three](#three), [to four](#four)[^1]

# Two words

<a id="three"></a>
<a id="four" href="https://x.example.org"><span></span></a>

[^1]: a note
"""
LINKED_RST = """
.. contents::
   :backlinks: none

Two
---

See `Three`_, [1]_, [CIT]_, `label`_ and target_.

Three
-----

.. _label:

A paragraph with an _`target`.

.. [1] a note
.. [CIT] a book
"""


@pytest.mark.parametrize(
    ("text", "kind", "count"),
    [(LINKED_MARKDOWN, "text/markdown", 5), (LINKED_RST, "text/x-rst", 8)],
)
def test_links_lead_to_their_places(text: str, kind: str, count: int) -> None:
    reader = Reader()
    reader.feed(readme.render(text, kind))
    places = {value for name, value in reader.attributes if name == "id"}
    targets = {str(value)[1:] for name, value in reader.attributes if name == "href"}
    targets -= {"ttps://x.example.org", "description-top"}
    assert len(targets) == count
    assert targets <= places


def test_links_lead_to_places_whose_names_are_not_ascii() -> None:
    text = '[a](#über) [b](#安装)\n\n# Über\n\n<a id="安装"></a>\n'
    html = readme.render(text, "text/markdown")
    for place in ("description-user-content-über", "description-安装"):
        assert f'id="{place}"' in html
        assert f'href="#{place}"' in html


def test_notes_and_warnings_stand_apart() -> None:
    for text, kind in [
        ("> [!NOTE]\n> careful\n", "text/markdown"),
        ("Foo\n===\n\n.. note:: careful\n", "text/x-rst"),
    ]:
        html = readme.render(text, kind)
        assert "<blockquote>\n<p>Note</p>\n<p>careful</p>\n</blockquote>" in html


def test_columns_and_titles_stand_where_they_were_put() -> None:
    html = readme.render("| a | b | c |\n|--:|:-:|---|\n| 1 | 2 | 3 |\n", "text/markdown")
    assert '<td align="right">1</td>\n<td align="center">2</td>\n<td>3</td>' in html
    html = readme.render('<h1 align="center">One</h1>\n<p align="justify">x</p>', "text/markdown")
    assert '<h3 align="center">One</h3>\n<p>x</p>' in html


def test_links_without_words_are_left_out() -> None:
    assert "></a>" not in readme.render("# One\n", "text/markdown")


def test_a_remote_image_is_a_link() -> None:
    html = readme.render("![the logo](https://x.example.org/l.png)", "text/markdown")
    assert "<img" not in html
    assert '<a href="https://x.example.org/l.png" rel="nofollow noopener">the logo</a>' in html


def test_an_image_without_words_is_called_by_its_file() -> None:
    html = readme.render("![](https://x.example.org/a/l.png)", "text/markdown")
    assert ">l.png</a>" in html


def test_an_image_in_a_link_leaves_its_words() -> None:
    html = readme.render(
        "[![build](https://x.example.org/b.svg)](https://ci.example.org/)", "text/markdown"
    )
    assert '<a href="https://ci.example.org/" rel="nofollow noopener">build</a>' in html
    assert "b.svg" not in html


@pytest.mark.parametrize(
    "source", ["https://x.example.org/b.svg", "//x.example.org/b.svg", "b.svg"]
)
def test_a_link_of_nothing_but_an_image_can_be_seen(source: str) -> None:
    html = readme.render(f"[![]({source})](https://ci.example.org/)", "text/markdown")
    assert '<a href="https://ci.example.org/" rel="nofollow noopener">b.svg</a>' in html


def test_a_remote_image_without_a_scheme_is_a_link() -> None:
    html = readme.render("![](//x.example.org/l.png)", "text/markdown")
    assert '<a href="https://x.example.org/l.png" rel="nofollow noopener">l.png</a>' in html


def test_an_operator_may_name_an_image_proxy(settings: Any) -> None:
    settings.IMAGE_PROXY = "https://img.example.org"
    settings.IMAGE_PROXY_KEY = "0x24FEEDFACEDEADBEEFCAFE"
    html = readme.render("![x](http://golang.org/doc/gopher/frontpage.png)", "text/markdown")
    assert (
        '<img src="https://img.example.org/'
        f"{readme.proxied('http://golang.org/doc/gopher/frontpage.png').split('/')[3]}/"
        "687474703a2f2f676f6c616e672e6f72672f646f632f676f706865722f66726f6e74706167652e706e67"
        '" alt="x">'
    ) in html


def test_the_proxy_is_addressed_as_camo_has_it(settings: Any) -> None:
    """HMAC-SHA1 of "x" under "key", as openssl computes it."""
    settings.IMAGE_PROXY, settings.IMAGE_PROXY_KEY = "https://img.example.org", "key"
    digest = "2a00e8e8343df86c4c188b263eeca331afa31548"
    assert readme.proxied("x") == f"https://img.example.org/{digest}/78"


def test_what_takes_too_long_is_shown_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "MAX_SECONDS", 2)
    assert readme.render("<div>" * 100_000, "text/markdown").startswith("<pre>&lt;div&gt;")


def test_a_long_description_looks_as_a_short_one_does() -> None:
    text = "# One\n\nTwo *three* höhles.\n\n"
    short, long = readme.render(text, "text/markdown"), readme.render(text * 4000, "text/markdown")
    assert long.startswith(short.strip())


def test_a_description_is_rendered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered = []
    render = readme._render
    monkeypatch.setattr(readme, "_render", lambda *args: rendered.append(args) or render(*args))
    for _turn in range(3):
        readme.render("once and only once", "text/markdown")
    assert len(rendered) == 1


@pytest.mark.parametrize(
    "text", ["\x00", "\ud800".encode("utf-8", "replace").decode(), "&#0;", "<" * 9999]
)
@pytest.mark.parametrize("kind", KINDS)
def test_odd_texts_are_answered(text: str, kind: str) -> None:
    assert isinstance(readme.render(text, kind), str)
