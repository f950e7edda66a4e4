"""What the tests of tokens need again and again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import apps

from accounts.models import UserSession
from projects.models import Project
from projects.operations.publishing import create_project
from tests.support.people import Person
from tests.support.uploading import grant_for
from tokens.grants import Grant
from tokens.models import APIToken
from tokens.operations.lifecycle import create_token


def project_of(person: Person, name: str) -> Project:
    """A new project, owned by this person."""
    return create_project(name, by=person.actor)


def make(
    person: Person,
    name: str = "a token",
    projects: list[Project] | None = None,
    grant: Grant | None = None,
    factor: str = "",
) -> tuple[APIToken, str]:
    """A new token and its text; for all projects if none are given."""
    grant = grant or grant_for(*(projects or []), is_wide=projects is None)
    return create_token(person.fresh_user, name=name, grant=grant, factor=factor, by=person.actor)


def everything_stored() -> str:
    """All rows of all tables, and what sessions hold, as one text."""
    rows: list[Any] = []
    for model in apps.get_models():
        rows += model._base_manager.values()
    rows += [session.get_decoded() for session in UserSession.objects.all()]
    return str(rows)


def secret_parts(text: str) -> Iterable[str]:
    """Parts of a token's text that nobody else may ever see: its end, which is its signature."""
    return (text, text[-60:], text[-30:])
