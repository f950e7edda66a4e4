"""From everything that events know of there is a way to them, and from them a way back."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.events import STAFF_ACT_REFUSED
from accounts.models import EmailAddress, RecoveryCase, User
from audit.admin import ReadOnlyAdmin
from audit.models import Event
from projects.models import DeletedProject, File, Project, Release, Report, Role
from tests.accounts.doors import count_events
from tests.support.people import Person, make_person
from tests.support.uploading import token_of, upload
from tokens.models import APIToken, TokenDenial

Browser = Callable[..., Client]
EVENTS = "/admin/audit/event/"


@pytest.fixture
def rows(alice: Person) -> dict[type[Model], Any]:
    """A row of each table whose rows events know of."""
    text = token_of(alice)
    assert upload(text, "seagull").status_code == 200
    project, token = Project.objects.get(), APIToken.objects.get()
    return {
        User: alice.user,
        EmailAddress: EmailAddress.objects.get(user=alice.user),
        RecoveryCase: RecoveryCase.objects.create(
            user=alice.user, evidence="", opened_by="sam", due_at=timezone.now()
        ),
        Project: project,
        Release: Release.objects.get(),
        File: File.objects.get(),
        Role: Role.objects.get(),
        Report: Report.objects.create(
            project_id=project.pk, project_name="seagull", kind="spam", text=""
        ),
        DeletedProject: DeletedProject.objects.create(
            project_id=uuid4(), name="gone", normalized_name="gone", serial=1, deleted_by="alice"
        ),
        APIToken: token,
        TokenDenial: TokenDenial.objects.create(
            token=token, project=project, denied_by="alice", denied_at=timezone.now()
        ),
    }


def page_of(row: Any) -> str:
    opts = row._meta
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.pk])


def ways(page: Any, to: str) -> list[str]:
    found = re.findall(r'href="([^"]+)"', page.content.decode())
    return [unescape(address) for address in found if unescape(address).startswith(to)]


def test_each_row_that_events_know_of_leads_to_them(
    browser: Browser, rows: dict[type[Model], Any], sam: Person
) -> None:
    client = browser(sam)
    for model, row in rows.items():
        (address,) = set(ways(client.get(page_of(row)), f"{EVENTS}?")) or {""}
        page = client.get(address).context["page"]
        assert page.events or model in {DeletedProject, TokenDenial}, model


def test_no_table_that_carries_an_account_project_or_token_is_left_out() -> None:
    for model, pages in admin.site._registry.items():
        assert isinstance(pages, ReadOnlyAdmin)
        names = {field.attname for field in model._meta.concrete_fields}
        if names & {"user_id", "project_id", "token_id"} and not issubclass(model, Event):
            assert pages.events_of, model


@pytest.mark.parametrize(("group", "may"), [("Support", True), ("Projects", False)])
def test_an_event_leads_to_the_page_of_its_token_for_who_may_see_it(
    browser: Browser, rows: dict[type[Model], Any], group: str, may: bool
) -> None:
    token = page_of(rows[APIToken])
    client = browser(make_person("someone", group=group))
    uploaded = Event.objects.get(kind="project:file:uploaded")  # it acted
    made = Event.objects.get(kind="token:token:created")  # it is what this is about
    for event in (uploaded, made):
        page = client.get(f"{EVENTS}{event.number}/change/")
        assert bool(ways(page, token)) is may
        assert ways(page, f"{EVENTS}?used_key={rows[APIToken].pk}")
    assert bool(ways(client.get(f"{EVENTS}?kind=project:file:uploaded"), token)) is may


@pytest.mark.parametrize(
    ("group", "path"),
    [
        ("Support", "audit/event/export/"),
        ("Support", "audit/event/check/"),
        ("Support", "numbers/uploads/export/"),
        ("Projects", "tokens/apitoken/find/"),
    ],
)
def test_a_page_that_is_closed_to_a_group_records_who_forges_a_request(
    browser: Browser, db: None, group: str, path: str
) -> None:
    client = browser(make_person("someone", group=group))
    assert client.post(f"/admin/{path}", {"text": "pypi-x", "form": "csv"}).status_code == 403
    assert count_events(STAFF_ACT_REFUSED) == 1
    event = Event.objects.get(kind=STAFF_ACT_REFUSED.name)
    assert (event.actor_label, event.fields["reason"]) == ("someone", "not in the group")
