"""Features that staff mark as beta: which pages say so, and who may mark them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.urls import get_resolver

from accounts.events import FEATURE_MARKED, FEATURE_UNMARKED
from accounts.features import FEATURES, marks_of_page
from accounts.models import BetaFeature
from accounts.operations.features import mark_beta, unmark_beta
from audit.actors import command
from audit.models import Event
from tests.accounts.doors import count_events, text_of_page
from tests.architecture.reading import ROOT
from tests.support.people import Person, make_person

Browser = Callable[..., Client]
BY = command("a test")
REASON = "It has come with the new version."
TEXT = "This is <new> here."
LINK = "https://example.org/beta?a=1&b=2"
LIST = "/admin/accounts/betafeature/"
PAGE = f"{LIST}act/mark-beta/"


def all_view_names() -> set[str]:
    found: set[str] = set()
    for namespace in ("accounts", "projects", "tokens", "two_factor", "uploads"):
        _prefix, resolver = get_resolver().namespace_dict[namespace]
        found |= {f"{namespace}:{name}" for name in resolver.reverse_dict if isinstance(name, str)}
    return found


@pytest.mark.once
def test_every_feature_has_pages_that_are_there_and_is_documented() -> None:
    documented = (ROOT / "docs" / "settings.md").read_text()
    for name, feature in FEATURES.items():
        assert feature.pages
        assert feature.pages <= all_view_names(), name
        assert f"| `{name}` |" in documented


def test_the_pages_of_a_feature_show_badge_text_and_link(browser: Browser, alice: Person) -> None:
    client = browser(alice)
    mark_beta("passkeys", text=TEXT, url=LINK, reason=REASON, by=BY)
    page = text_of_page(client.get("/account/passkeys/add/"))
    assert '<span class="badge info">Beta</span> <strong>Passkeys:</strong>' in page
    assert "This is &lt;new&gt; here." in page
    assert 'href="https://example.org/beta?a=1&amp;b=2"' in page
    assert "badge info" not in text_of_page(client.get("/account/keys/add/"))


def test_a_public_page_says_so_too(browser: Browser, db: None) -> None:
    mark_beta("search", text=TEXT, reason=REASON, by=BY)
    page = text_of_page(browser().get("/search/"))
    assert "<strong>Search:</strong> This is &lt;new&gt; here.</p>" in page


def test_a_page_of_two_features_shows_both(browser: Browser, alice: Person) -> None:
    for name in ("token-patterns", "yank-api"):
        mark_beta(name, text=TEXT, reason=REASON, by=BY)
    page = text_of_page(browser(alice).get("/account/tokens/make/"))
    assert page.count('<span class="badge info">Beta</span>') == 2


def test_other_pages_ask_nothing(db: None, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert marks_of_page("projects:home") == []
    with django_assert_num_queries(1):
        assert marks_of_page("projects:search") == []


def test_staff_mark_a_feature_change_its_words_and_take_the_mark_away(
    browser: Browser, sam: Person
) -> None:
    client = browser(sam)
    fields = {"name": "search", "text": TEXT, "url": LINK, "reason": REASON}
    page = client.post(PAGE, fields, follow=True)
    assert "Search: its pages say that it is beta." in text_of_page(page)
    event = Event.objects.get(kind=FEATURE_MARKED.name)
    assert event.fields == {"feature": "search", "text": TEXT, "url": LINK, "reason": REASON}
    client.post(PAGE, fields | {"text": "Other words.", "url": ""})
    row = BetaFeature.objects.get()
    assert (row.text, row.url, row.marked_by) == ("Other words.", "", "sam")
    client.post(f"{LIST}{row.pk}/unmark-beta/", {"reason": REASON})
    assert not BetaFeature.objects.exists()
    assert (count_events(FEATURE_MARKED), count_events(FEATURE_UNMARKED)) == (2, 1)
    assert not unmark_beta(row, reason=REASON, by=BY)
    assert count_events(FEATURE_UNMARKED) == 1


@pytest.mark.parametrize(
    "words",
    [
        {"name": "everything"},
        {"text": " "},
        {"url": "javascript:alert(1)"},
        {"url": "data:text/html,x"},
        {"url": "not a link"},
    ],
)
def test_what_is_no_feature_no_text_or_no_link_is_refused(db: None, words: dict[str, str]) -> None:
    fields = {"name": "search", "text": TEXT, "url": "", "reason": REASON} | words
    with pytest.raises(ValidationError):
        mark_beta(fields.pop("name"), by=BY, **fields)
    assert not BetaFeature.objects.exists()


@pytest.mark.parametrize("group", ["", "Auditor", "Support", "Projects"])
def test_only_administrators_mark_features(db: None, group: str) -> None:
    row = mark_beta("search", text=TEXT, reason=REASON, by=BY)
    by = make_person("someone", group=group).actor
    with pytest.raises(PermissionDenied):
        mark_beta("search", text="Mine.", reason=REASON, by=by)
    with pytest.raises(PermissionDenied):
        unmark_beta(row, reason=REASON, by=by)
    assert BetaFeature.objects.get().text == TEXT


def test_the_page_of_a_feature_of_another_version_is_not_there(
    browser: Browser, sam: Person
) -> None:
    BetaFeature.objects.create(name="gone", text=TEXT)
    assert "gone" not in browser(sam).get(LIST).content.decode().lower().split("<main", 1)[-1]
