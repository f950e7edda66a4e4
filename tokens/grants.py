"""What a new token is to allow, as its maker chose it, and how that becomes caveats."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from projects.models import Project
from projects.names import check_name, normalize
from tokens import caveats
from tokens.allowances import excludes_nobody
from tokens.caveats import (
    Actions,
    Caveat,
    Expiration,
    Networks,
    ProjectID,
    ProjectName,
    ProjectPatterns,
    RequestUser,
)

MAX_PROJECTS = 40


class Scope(models.TextChoices):
    """Which projects a token is for."""

    PROJECTS = "projects", gettext_lazy("Only the projects chosen below")
    PATTERNS = "patterns", gettext_lazy("My projects with certain names")
    NEW = "new", gettext_lazy("One new project, which does not exist yet")
    ALL = "account", gettext_lazy("All my projects, also future ones")


@dataclass(frozen=True)
class Grant:
    """What a new token is to allow.

    Attributes:
        scope: one of Scope; it says which of the next three counts.
        actions: some of `caveats.ACTIONS`.
        projects: existing projects.
        patterns: normalized names, or beginnings of them with a star.
        new_project: the name of a project that does not exist yet.
        networks: where it may be used from, in CIDR form; () for everywhere.
        expires_at: when it ends; None for never.
    """

    scope: str
    actions: tuple[str, ...]
    projects: tuple[Project, ...] = ()
    patterns: tuple[str, ...] = ()
    new_project: str = ""
    networks: tuple[str, ...] = ()
    expires_at: datetime | None = None

    def embedded(self, user: Any, *, now: datetime) -> list[str]:
        """The caveats that stand in the token's text: PyPI's alone, which all its tools read.

        Raises:
            ValidationError: if the choice makes no sense.
        """
        found = self._scope_caveats(user)
        if self.expires_at is not None:
            begin = min(now, self.expires_at)
            found.append(Expiration(int(self.expires_at.timestamp()), int(begin.timestamp())))
        return [caveats.dump(caveat) for caveat in found]

    def stored(self, embedded: Iterable[str]) -> list[str]:
        """The caveats that are kept beside the token: those in its text, and our own.

        Raises:
            ValidationError: if the choice makes no sense.
        """
        ours: list[Caveat] = []
        try:
            if self.scope == Scope.PATTERNS:
                ours.append(ProjectPatterns(self.patterns))
            if self.networks:
                ours.append(Networks(self.networks))
            ours.append(Actions(tuple(one for one in caveats.ACTIONS if one in self.actions)))
        except ValueError as error:
            raise ValidationError(f"{error}", code="caveat") from error
        return [*embedded, *(caveats.dump(caveat) for caveat in ours)]

    def require_sense(self) -> None:
        """Check what needs no database.

        Raises:
            ValidationError: if the choices do not go together.
        """
        if not self.actions:
            raise ValidationError(_("Choose at least one thing that the token may do."))
        if self.scope == Scope.PROJECTS and not 1 <= len(self.projects) <= MAX_PROJECTS:
            raise ValidationError(_("Choose between 1 and %d projects.") % MAX_PROJECTS)
        if self.scope == Scope.PATTERNS and not 1 <= len(self.patterns) <= MAX_PROJECTS:
            raise ValidationError(_("Write between 1 and %d names or patterns.") % MAX_PROJECTS)
        if self.scope == Scope.PROJECTS and "create" in self.actions:
            raise ValidationError(
                _("The chosen projects exist already: leave out creating projects.")
            )
        if self.scope == Scope.NEW:
            self._require_new()
        try:
            is_for_all = excludes_nobody(self.networks)
        except ValueError as error:
            raise ValidationError(f"{error}", code="network") from error
        if is_for_all:
            raise ValidationError(
                _("These networks are everybody's. Leave the field empty, or name your own.")
            )

    def _require_new(self) -> None:
        try:
            check_name(self.new_project)
        except ValueError as error:
            raise ValidationError(f"The {error}.", code="name") from error
        if "create" not in self.actions:
            raise ValidationError(_("A token for a new project must be allowed to create it."))

    def _scope_caveats(self, user: Any) -> list[Caveat]:
        if self.scope == Scope.PROJECTS:
            return [
                ProjectName(tuple(row.normalized_name for row in self.projects)),
                ProjectID(tuple(str(row.pk) for row in self.projects)),
            ]
        if self.scope == Scope.NEW:
            return [
                RequestUser(str(user.pk)),
                ProjectName((normalize(self.new_project),)),
            ]
        return [RequestUser(str(user.pk))]
