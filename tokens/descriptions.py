"""One sentence that says what a token may do, for people."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from projects.models import Project
from tokens.allowances import Allowance, add_up
from tokens.grants import Grant, Scope
from tokens.models import APIToken

_SHOWN = 5

# By what is allowed: upload, create, yank
_SENTENCES = {
    (True, False, False): gettext_noop("Upload new releases of %(projects)s"),
    (False, True, False): gettext_noop("Create %(new)s"),
    (False, False, True): gettext_noop("Yank releases of %(projects)s, and take that back"),
    (True, True, False): gettext_noop("Create %(new)s, and upload new releases of %(projects)s"),
    (True, False, True): gettext_noop(
        "Upload and yank releases of %(projects)s, and take yanks back"
    ),
    (False, True, True): gettext_noop(
        "Create %(new)s, yank releases of %(projects)s, and take that back"
    ),
    (True, True, True): gettext_noop(
        "Create %(new)s, upload and yank releases of %(projects)s, and take yanks back"
    ),
}


def describe(allowance: Allowance, *, projects: str = "", new_project: str = "") -> str:
    """What caveats allow, as one sentence without a full stop.

    Args:
        allowance: what they allow together.
        projects: the names of the projects as their owners write them, where they are known.
        new_project: the one project that is still to be created, if the token is for that.
    """
    actions = allowance.possible_actions
    if not actions:
        return _("Nothing: its restrictions exclude each other")
    kinds = tuple(action in actions for action in ("upload", "create", "yank"))
    sentence = _(_SENTENCES[kinds]) % {  # type: ignore[index]
        "projects": new_project or projects or _projects(allowance),
        "new": _new(allowance, new_project),
    }
    return _with_limits(sentence, allowance)


def describe_token(token: APIToken) -> str:
    """What a token may do."""
    if has_outlived_its_projects(token):
        return _("Nothing: the projects that it was made for are gone")
    return describe(
        token.allowance,
        projects=_names_of(token.projects.all()),
        new_project=token.awaits_project,
    )


def has_outlived_its_projects(token: APIToken) -> bool:
    """Whether a token was made for chosen projects, all of which are deleted by now."""
    return token.allowance.ids is not None and not token.projects.all()


def describe_grant(grant: Grant, user: Any) -> str:
    """What a token would allow that is not made yet."""
    stored = grant.stored(grant.embedded(user, now=timezone.now()))
    new_project = grant.new_project if grant.scope == Scope.NEW else ""
    return describe(add_up(stored), projects=_names_of(grant.projects), new_project=new_project)


def describe_scope(token: APIToken) -> str:
    """Which projects a token is for."""
    if has_outlived_its_projects(token):
        return _("%s, gone") % _projects(token.allowance)
    return token.awaits_project or _names_of(token.projects.all()) or _projects(token.allowance)


def describe_expiry(expires_at: datetime | None) -> str:
    """When a token ends."""
    return _at(expires_at) if expires_at is not None else _("never")


def _names_of(projects: Iterable[Project]) -> str:
    """Some projects by name."""
    return _listed([project.name for project in projects])


def _listed(names: list[str]) -> str:
    """Some names: all of few, the first of many."""
    if len(names) > _SHOWN:
        more = len(names) - _SHOWN + 1
        shown = ", ".join(names[: _SHOWN - 1])
        return ngettext("%(names)s and %(count)d more", "%(names)s and %(count)d more", more) % {
            "names": shown,
            "count": more,
        }
    if len(names) < 2:
        return "".join(names)
    return _("%(names)s and %(last)s") % {"names": ", ".join(names[:-1]), "last": names[-1]}


def _projects(allowance: Allowance) -> str:
    if allowance.patterns is not None:
        return _listed(list(allowance.patterns))
    if allowance.ids is not None:
        count = len(allowance.ids)
        return (
            ngettext(
                "%d project that is named by its id", "%d projects that are named by id", count
            )
            % count
        )
    return _("all your projects, also future ones")


def _new(allowance: Allowance, new_project: str) -> str:
    if new_project:
        return _("the project %s") % new_project
    if allowance.patterns is not None:
        return _("projects named %s") % _listed(list(allowance.patterns))
    return _("new projects")


def _with_limits(sentence: str, allowance: Allowance) -> str:
    until = (
        None
        if allowance.expires_at is None
        else _at(datetime.fromtimestamp(allowance.expires_at, UTC))
    )
    networks = _listed(list(allowance.networks or ()))
    places = {"what": sentence, "until": until, "networks": networks}
    if until and networks:
        return _("%(what)s until %(until)s, from %(networks)s") % places
    if until:
        return _("%(what)s until %(until)s") % places
    if networks:
        return _("%(what)s, from %(networks)s, without an end") % places
    return _("%(what)s, without an end") % places


def _at(moment: datetime) -> str:
    utc = moment.astimezone(UTC)
    return _("%(day)s, %(time)s UTC") % {"day": date_format(utc, "j F Y"), "time": f"{utc:%H:%M}"}
