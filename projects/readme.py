"""A project's description as HTML that is safe to show: text written by strangers.

`rendering` makes clean HTML of it, which is fitted to our page here: headings below ours, names of
places that cannot meet ours, the boxes of task lists, which cannot be ticked, and images as links,
as loading one would tell a stranger who reads the page. An operator can name an image proxy.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator
from contextlib import suppress
from email.message import Message
from functools import partial
from html import escape, unescape
from html.parser import HTMLParser
from threading import Lock
from typing import Final
from urllib.parse import unquote, urlsplit

import nh3
from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from projects import rendering
from projects.cache import Remembered

MAX_RENDERED: Final = 512 * 1024  # characters; what is longer is shown as text
_HERE: Final = 64 * 1024  # characters; longer ones were rendered when they were uploaded, too
_REMEMBERED_BYTES: Final = 8 * 1024 * 1024
_TAGS: Final = {
    "a", "abbr", "b", "blockquote", "br", "caption", "cite", "code", "dd", "del", "details", "dfn",
    "div", "dl", "dt", "em", "h3", "h4", "h5", "h6", "hr", "i", "img", "input", "ins", "kbd",
    "li", "ol", "p", "pre", "q", "s", "samp", "small", "span", "strong", "sub", "summary", "sup",
    "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var",
}  # fmt: skip
_ATTRIBUTES: Final = {
    "a": {"href", "title"},
    "abbr": {"title"},
    "details": {"open"},
    "img": {"src", "alt"},
    "input": {"type", "checked", "disabled", "aria-label"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "*": {"id"},
}
_ALIGNED: Final = ("div", "h3", "h4", "h5", "h6", "p", "td", "th")
_PLACE: Final = "description-"  # before each id: none of ours begins like that
_RENDERERS: Final = "user-content-"
_ID: Final = re.compile(r' id="([^"]*)"')
_UNWRAPPED: Final = {"section", "nav", "aside", "figure", "figcaption", "span"}
_VOID: Final = {"br", "hr", "img", "col", "input"}
_remembered: Final = Remembered(_REMEMBERED_BYTES)
_rendering: Final = tuple(Lock() for _number in range(64))


def render(text: str, content_type: str) -> str:
    """The description as HTML.

    Args:
        text: as it was uploaded.
        content_type: the metadata's Description-Content-Type, "" if it has none.
    """
    facts = f"{get_language()}\0{content_type}\0{_proxy()}\0{text}"
    key = hashlib.sha256(facts.encode()).digest()
    html = _remembered.get(key)
    if html is None:
        with _rendering[key[0] % len(_rendering)]:  # who waits takes what the first one made
            html = _remembered.get(key)
            if html is None:
                html = _render(text, content_type).encode()
                _remembered.put(key, html)
    return html.decode()


def _render(text: str, content_type: str) -> str:
    rendered = None
    if len(text) <= MAX_RENDERED:
        kind, variant = _read_type(content_type)
        if kind in {rendering.MARKDOWN, rendering.RST}:
            with suppress(TimeoutError):
                rendered = rendering.render(text, kind, variant, here=_HERE).html
    if rendered is None:  # plain text, or nothing that it could be read as
        return f"<pre>{escape(text)}</pre>"
    return _fit(rendered)


def _read_type(content_type: str) -> tuple[str, str]:
    """Kind and variant of Markdown; without a type, a description is reStructuredText."""
    if not content_type.strip():
        return rendering.RST, ""
    message = Message()
    message["Content-Type"] = content_type
    variant = message.get_param("variant", "GFM")
    return message.get_content_type(), variant if variant in ("GFM", "CommonMark") else "GFM"


class _Fitter(HTMLParser):
    """Rewrites clean HTML, in which all elements are closed: headings, places and images."""

    def __init__(self, places: set[str]) -> None:
        super().__init__(convert_charrefs=False)
        self.parts: list[str] = []
        self._places = places
        self._open: list[str] = []  # what became of the elements that we are in
        self._links = 0
        self._place = ""  # of the last link

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "img":
            self.parts.extend(_image(given, is_in_link=self._links > 0))
            return
        if tag == "input":
            self.parts.extend(_box(given))
            return
        name = _name_here(tag, given)
        if tag not in _VOID:
            self._open.append(name)
        if "id" in given:
            given["id"] = _PLACE + given["id"]
        if tag == "a":
            self._links += 1
            self._place = given.get("id", "")
        if given.get("href", "").startswith("#"):
            given["href"] = self._leading_to(given["href"][1:])
        written = "".join(f' {name}="{escape(value)}"' for name, value in given.items())
        if name:
            self.parts.append(f"<{name}{written}>")
        elif "id" in given:
            self.parts.append(_mark(given["id"]))

    def _leading_to(self, place: str) -> str:
        """The renderers put a prefix to links, and only to those places that they make; Markdown
        writes letters that are not ASCII as "%C3%BC".
        """
        plain = unquote(place)
        spellings = (place, plain, plain.removeprefix(_RENDERERS), f"{_RENDERERS}{plain}")
        found = next((one for one in spellings if one in self._places), place)
        return f"#{_PLACE}{found}"

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID or not self._open:
            return
        name = self._open.pop()
        self._links -= tag == "a"
        if tag == "a" and self.parts[-1].startswith("<a "):
            self.parts[-1] = _mark(self._place)  # an empty link, as Markdown puts into headings
        elif name:
            self.parts.append(f"</{name}>")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def handle_entityref(self, name: str) -> None:
        self.parts.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.parts.append(f"&#{name};")


def _name_here(tag: str, given: dict[str, str]) -> str:
    """What an element becomes; "" where only what is in it stays.

    Headings are two levels lower: the page has an h1, and an h2 stands above the description.
    """
    if tag == "aside" and "admonition" in given.get("class", "").split():
        return "blockquote"
    if tag in _UNWRAPPED:
        return ""
    is_heading = len(tag) == 2 and tag[0] == "h" and tag[1].isdigit()
    return f"h{min(int(tag[1]) + 2, 6)}" if is_heading else tag


def _mark(place: str) -> str:
    """A place that links lead to, where there is one."""
    return f'<span id="{escape(place)}"></span>' if place else ""


def _box(given: dict[str, str]) -> Iterator[str]:
    """The box of a task; nothing for what else could be typed into."""
    if given.get("type") == "checkbox":
        is_done = "checked" in given
        label = _("done") if is_done else _("to do")
        mark = " checked" if is_done else ""
        yield f'<input type="checkbox"{mark} disabled aria-label="{escape(label)}">'


def _image(given: dict[str, str], *, is_in_link: bool) -> Iterator[str]:
    """The image, or what stands for it: a link, its name in the link that it is in, or nothing."""
    source, label = given.get("src", ""), given.get("alt", "").strip()
    if source.startswith("//"):
        source = f"https:{source}"
    try:
        scheme = urlsplit(source).scheme
    except ValueError:
        source = scheme = ""
    is_web = scheme in {"http", "https"}
    name = label or source.rpartition("/")[2] or source
    if is_web and _proxy():
        yield f'<img src="{escape(proxied(source))}" alt="{escape(label)}">'
    elif is_in_link and name:  # a link without a text cannot be seen
        yield escape(name)
    elif is_web:
        yield f'<a href="{escape(source)}">{escape(name)}</a>'
    elif label:
        yield escape(label)


def _proxy() -> str:
    return str(settings.IMAGE_PROXY)


def proxied(source: str) -> str:
    """Where the operator's proxy shows an image, in Camo's form: HMAC-SHA1, then the address."""
    key = settings.IMAGE_PROXY_KEY.encode()
    digest = hmac.new(key, source.encode(), hashlib.sha1).hexdigest()
    return f"{_proxy()}/{digest}/{source.encode().hex()}"


def _fit(html: str) -> str:
    fitter = _Fitter({unescape(place) for place in _ID.findall(html)})
    fitter.feed(html)
    fitter.close()
    clean = partial(
        nh3.clean,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener",
        tag_attribute_values={tag: {"align": {"left", "center", "right"}} for tag in _ALIGNED},
        set_tag_attribute_values={"input": {"type": "checkbox", "disabled": ""}},
    )
    return clean("".join(fitter.parts))
