"""How far the move from passwords to API tokens has come, and who was told of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from django.conf import settings
from django.db import models
from django.db.models import Exists, ExpressionWrapper, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from projects.models import Project, Role

MAX_NOTICE = 160  # characters: the rest of a refusal needs room in the one line, too
_EVER_SINCE = datetime(2000, 1, 1, tzinfo=UTC)


class Stage(models.TextChoices):
    """What becomes of a password within the audience."""

    OFF = "off", _("off: passwords upload")
    ANNOUNCE = "announce", _("announce: passwords upload, and people are told what is coming")
    WARN = "warn", _("warn: passwords upload, and each uploader is told by mail")
    ENFORCE = "enforce", _("enforce: passwords are refused")


class Audience(models.TextChoices):
    """Whose passwords it is about."""

    FACTOR = "factor", _("users with a second factor")
    OWNERS = (
        "owners",
        _("projects that have an owner with a second factor, whoever uploads"),
    )
    CRITICAL = "critical", _("projects marked critical")
    EVERYBODY = "everybody", _("everybody")


def _protected_owners() -> models.QuerySet[Role]:
    """Roles of owners who have a second factor."""
    return Role.objects.filter(
        kind=Role.Kind.OWNER,
        user__is_active=True,
        user__in=User.objects.with_second_factor(),
    )


def concerned_projects(audience: str) -> models.QuerySet[Project]:
    """The projects that an audience names, whoever uploads to them."""
    if audience == Audience.OWNERS:
        return Project.objects.filter(pk__in=_protected_owners().values("project_id"))
    if audience == Audience.CRITICAL:
        return Project.objects.exclude(critical_since=None)
    return Project.objects.all() if audience == Audience.EVERYBODY else Project.objects.none()


def concerned_users(audience: str) -> models.QuerySet[User]:
    """The people who could be refused: those of the audience, or with a role in its projects."""
    people = User.objects.filter(is_active=True)
    if audience == Audience.EVERYBODY:
        return people
    if audience == Audience.FACTOR:
        return people.filter(pk__in=User.objects.with_second_factor().values("pk"))
    roles = Role.objects.filter(project__in=concerned_projects(audience))
    return people.filter(pk__in=roles.values("user_id"))


def audience_name(audience: str) -> str:
    """What `accounts.audiences` calls the people of an audience."""
    return f"password uploads: {audience}"


class EnforcementQuerySet(models.QuerySet["Enforcement"]):
    """The one row."""

    def asked_of(self, user: User | None, project: Project | None) -> Enforcement:
        """The row, which then knows whether an upload `is_concerned`: one query for all of it.

        Args:
            user: who uploads. None before that is known: only "everybody" then holds.
            project: where to; None if it is not known, or does not exist yet.
        """
        concerned = Q(audience=Audience.EVERYBODY)
        if user is not None:
            protected = User.objects.with_second_factor().filter(pk=user.pk)
            concerned |= Q(audience=Audience.FACTOR) & Q(Exists(protected))
        if project is not None:
            owners = _protected_owners().filter(project_id=project.pk)
            concerned |= Q(audience=Audience.OWNERS) & Q(Exists(owners))
            marked = Project.objects.filter(pk=project.pk).exclude(critical_since=None)
            concerned |= Q(audience=Audience.CRITICAL) & Q(Exists(marked))
        answer = ExpressionWrapper(concerned, output_field=models.BooleanField())
        row = self.annotate(concerns=answer).filter(pk=1).first()
        if row is None:
            return Enforcement()
        row.is_concerned = vars(row)["concerns"]
        return row


class Enforcement(models.Model):
    """The one row by which passwords at uploads are judged.

    The stage follows from the clock. A row that is missing refuses everything, as a new site does.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    audience = models.CharField(
        _("audience"), max_length=20, choices=Audience.choices, default=Audience.EVERYBODY
    )
    announce_from = models.DateTimeField(_("announce from"), null=True, blank=True)
    warn_from = models.DateTimeField(_("warn from"), null=True, blank=True)
    enforce_from = models.DateTimeField(
        _("enforce from"), null=True, blank=True, default=_EVER_SINCE
    )
    brown_outs = models.JSONField(_("brown-outs"), default=list)  # pairs of times (ISO 8601)
    notice = models.CharField(_("notice"), max_length=MAX_NOTICE, blank=True)
    version = models.PositiveIntegerField(default=1)
    recorded_stage = models.CharField(max_length=10, default=Stage.ENFORCE)
    changed_at = models.DateTimeField(_("changed"), default=timezone.now)
    changed_by = models.CharField(_("changed by"), max_length=150, blank=True)

    is_concerned: bool = True  # set by `asked_of`
    objects = EnforcementQuerySet.as_manager()

    class Meta:
        verbose_name = _("enforcement of API tokens")
        verbose_name_plural = _("enforcement of API tokens")
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_enforcement")]

    def __str__(self) -> str:
        return str(_("API tokens instead of passwords"))

    def stage_at(self, now: datetime) -> Stage:
        """The last stage whose time has come."""
        reached = Stage.OFF
        for stage, begins in self.timetable():
            if begins is not None and begins <= now:
                reached = stage
        return reached

    @property
    def stage(self) -> Stage:
        """That of this moment."""
        return self.stage_at(timezone.now())

    def timetable(self) -> list[tuple[Stage, datetime | None]]:
        """When each stage begins, in their order."""
        return [
            (Stage.ANNOUNCE, self.announce_from),
            (Stage.WARN, self.warn_from),
            (Stage.ENFORCE, self.enforce_from),
        ]

    def windows(self) -> list[tuple[datetime, datetime]]:
        """The brown-outs: from when until when passwords are refused on trial."""
        return [
            (datetime.fromisoformat(begin), datetime.fromisoformat(end))
            for begin, end in self.brown_outs
        ]

    def windows_after(self, now: datetime) -> list[tuple[datetime, datetime]]:
        """The brown-outs that have not ended by that moment, the next one first."""
        return sorted(window for window in self.windows() if window[1] > now)

    def next_brown_out(self, now: datetime) -> tuple[datetime, datetime] | None:
        """The brown-out that goes on or comes next, while passwords are taken otherwise."""
        for begin, end in self.windows_after(now):
            if self.stage_at(max(begin, now)) in {Stage.ANNOUNCE, Stage.WARN}:
                return begin, end
        return None

    def brown_out_at(self, now: datetime) -> datetime | None:
        """When the brown-out of that moment ends; None where there is none."""
        if self.stage_at(now) == Stage.OFF:
            return None
        ends = [end for begin, end in self.windows() if begin <= now < end]
        return max(ends, default=None)


def as_stored(windows: Iterable[tuple[datetime, datetime]]) -> list[list[str]]:
    """Brown-outs as the row keeps them."""
    return [[moment.astimezone(UTC).isoformat() for moment in window] for window in windows]


class PasswordWarning(models.Model):
    """When somebody was last told by mail that their password will be refused."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    told_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.user_id)


class PasswordUpload(models.Model):
    """How many files somebody uploaded to a project with a password, on one day (UTC).

    Kept as long as staff look back before they change the stage of enforcement.
    """

    day = models.DateField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    count = models.PositiveIntegerField(default=1)
    last_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["day", "user", "project"], name="one_count_of_password_uploads"
            )
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.user_id} {self.project_id}: {self.count}"
