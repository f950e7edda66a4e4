"""The shelves: projects, their releases and files, and who may manage them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Replace
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from packaging.version import Version

from projects.moderation import ProhibitedName as ProhibitedName
from projects.moderation import Report as Report


def _ultranormalized() -> models.GeneratedField:
    """A column that the database fills with `names.ultranormalize` of the normalized name."""
    expression: Any = F("normalized_name")
    for letter, replacement in [("-", ""), ("l", "1"), ("i", "1"), ("o", "0")]:
        expression = Replace(expression, Value(letter), Value(replacement))
    return models.GeneratedField(
        expression=expression,
        output_field=models.CharField(max_length=200),
        db_persist=True,
        db_index=True,
        verbose_name=_("ultranormalized name"),
    )


class ProjectQuerySet(models.QuerySet["Project"]):
    """Projects."""

    def locked(self, pk: Any) -> Project:
        """The project, with its row locked until the transaction ends.

        FOR NO KEY UPDATE, as every row lock here: rows that refer to this one are checked when
        their transaction commits, with the chain's head in hand, and must not have to wait for it.

        Raises:
            Project.DoesNotExist: if it was deleted.
        """
        return self.select_for_update(no_key=True).get(pk=pk)

    def listed(self) -> ProjectQuerySet:
        """Those that the index names: all but the quarantined."""
        return self.exclude(status=Project.Status.QUARANTINED)

    def of(self, user: Any) -> ProjectQuerySet:
        """Those in which a person has a role, by name."""
        return self.filter(roles__user=user).order_by("normalized_name")

    def newest(self) -> ProjectQuerySet:
        """The one created last first."""
        return self.order_by("-created_at", "-pk")


class Project(models.Model):
    """A name on the index, and all that was released under it."""

    class Status(models.TextChoices):
        """What may happen to a project (PEP 792)."""

        ACTIVE = "active", _("active")
        ARCHIVED = "archived", _("archived")
        QUARANTINED = "quarantined", _("quarantined")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=200)
    normalized_name = models.CharField(_("normalized name"), max_length=200, unique=True)
    ultranormalized_name = _ultranormalized()
    serial = models.BigIntegerField(_("serial"), default=0)
    status = models.CharField(
        _("status"), max_length=20, choices=Status.choices, default=Status.ACTIVE
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    quarantined_at = models.DateTimeField(_("quarantined"), null=True, editable=False)
    quarantined_because = models.CharField(
        _("why it is quarantined"), max_length=500, blank=True, editable=False
    )
    critical_since = models.DateTimeField(_("critical since"), null=True, editable=False)
    # What it becomes again when it is released
    status_before = models.CharField(max_length=20, blank=True, editable=False)
    # Bytes; where one is not set, the site's own limit holds.
    file_size_limit = models.PositiveBigIntegerField(_("limit of a file"), null=True, blank=True)
    total_size_limit = models.PositiveBigIntegerField(
        _("limit of all files together"), null=True, blank=True
    )

    objects = ProjectQuerySet.as_manager()

    class Meta:
        verbose_name = _("project")
        verbose_name_plural = _("projects")
        ordering = ["normalized_name"]
        indexes = [
            models.Index(fields=["-serial"], name="project_serial"),
            models.Index(fields=["-created_at", "-id"], name="project_newest"),
            models.Index(
                fields=["quarantined_at"],
                condition=Q(quarantined_at__isnull=False),
                name="project_quarantined",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def event_subject(self) -> tuple[str, str]:
        """What events about this project keep."""
        return "project", self.name

    def owners(self) -> models.QuerySet[Any]:
        """The people who may change its roles."""
        return get_user_model().objects.filter(
            is_active=True, project_roles__project=self, project_roles__kind=Role.Kind.OWNER
        )

    def people(self) -> models.QuerySet[Any]:
        """All who have a role in it."""
        return get_user_model().objects.filter(is_active=True, project_roles__project=self)

    def public_roles(self) -> models.QuerySet[Role]:
        """The roles that everybody is told of, with their people: all, those of frozen accounts
        too. Freezing ends no role, and gives the project no new serial, at which answers are kept.
        """
        return self.roles.select_related("user")

    @property
    def is_archived(self) -> bool:
        """Whether it is frozen, though still installable."""
        return self.status == self.Status.ARCHIVED

    @property
    def is_quarantined(self) -> bool:
        """Whether it is hidden until somebody has looked at it."""
        return self.status == self.Status.QUARANTINED


class ReleaseQuerySet(models.QuerySet["Release"]):
    """Releases."""

    def listed(self) -> ReleaseQuerySet:
        """Those that people are shown."""
        return self.exclude(project__status=Project.Status.QUARANTINED)

    def newest(self) -> ReleaseQuerySet:
        """The one made last first, without long texts."""
        return self.defer("metadata").order_by("-created_at", "-pk")


class QuarantinedProject(Project):
    """A project as the queue of staff lists it."""

    class Meta:
        proxy = True
        verbose_name = _("quarantined project")
        verbose_name_plural = _("quarantine")


class Release(models.Model):
    """One version of a project."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="releases")
    version = models.CharField(_("version"), max_length=200)
    canonical_version = models.CharField(max_length=200)
    metadata = models.JSONField(_("metadata"), default=dict)
    summary = models.TextField(_("summary"), blank=True)
    requires_python = models.TextField(_("requires Python"), blank=True)
    yanked_at = models.DateTimeField(_("yanked"), null=True, blank=True)
    yanked_reason = models.CharField(_("reason for the yank"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    objects = ReleaseQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["-created_at", "-id"], name="release_newest")]
        verbose_name = _("release")
        verbose_name_plural = _("releases")
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "canonical_version"], name="one_release_of_a_version"
            )
        ]

    def __str__(self) -> str:
        return self.version

    @property
    def is_yanked(self) -> bool:
        """Whether it is hidden from those who did not ask for exactly it."""
        return self.yanked_at is not None

    @cached_property
    def parsed_version(self) -> Version:
        """The version, to be compared (PEP 440)."""
        return Version(self.version)

    @property
    def is_prerelease(self) -> bool:
        """Whether installers pass it by unless they are told not to (PEP 440)."""
        return self.parsed_version.is_prerelease

    def links(self) -> Iterator[tuple[str, str]]:
        """Label and address of the pages that its metadata names; http and https only."""
        named = list(self.metadata.get("project_urls") or [])
        for label, url in [(_("Home page"), self.metadata.get("home_page") or ""), *named]:
            try:
                is_web = urlsplit(url).scheme in {"http", "https"} and bool(urlsplit(url).netloc)
            except ValueError:
                continue
            if is_web:
                yield str(label), url


def latest_of(releases: Iterable[Release]) -> Release | None:
    """The newest final release that was not yanked; else the newest of what there is."""
    return max(
        releases,
        key=lambda one: (not one.is_yanked, not one.is_prerelease, one.parsed_version),
        default=None,
    )


class SearchEntryQuerySet(models.QuerySet["SearchEntry"]):
    """What projects are found by."""

    def listed(self) -> SearchEntryQuerySet:
        """That of projects which the index names."""
        return self.exclude(project__status=Project.Status.QUARANTINED)


class SearchEntry(models.Model):
    """What a project is found by; `projects.search` keeps it right."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="search_entry")
    name = models.CharField(max_length=200, unique=True)
    # The latest; None where that has to be found out again
    release = models.ForeignKey(Release, models.SET_NULL, null=True, related_name="+")
    summary = models.TextField(blank=True)  # of the latest release
    text = models.TextField()  # name and summary, in lower case

    objects = SearchEntryQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class File(models.Model):
    """One uploaded artifact. It is found by its content, and its content never changes."""

    class Kind(models.TextChoices):
        """What can be uploaded."""

        SDIST = "sdist", _("source distribution")
        WHEEL = "bdist_wheel", _("wheel")

    class Factor(models.TextChoices):
        """The kinds of second factors."""

        APP = "app", _("authenticator app")
        KEY = "key", _("security key")
        PASSKEY = "passkey", _("passkey")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="files")
    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="files")
    filename = models.CharField(_("file name"), max_length=240, unique=True)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    size = models.BigIntegerField(_("size"))  # bytes
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    blake2b_256 = models.CharField(_("BLAKE2b-256"), max_length=64)
    md5 = models.CharField(_("MD5"), max_length=32)
    python_tag = models.CharField(_("Python tag"), max_length=240)
    requires_python = models.TextField(_("requires Python"), blank=True)
    metadata_sha256 = models.CharField(_("SHA-256 of the metadata"), max_length=64, blank=True)
    uploaded_at = models.DateTimeField(_("uploaded"), default=timezone.now)
    # Plain ids and copied labels: they outlive the account and the token.
    uploaded_by_id = models.CharField(_("id of the uploader"), max_length=36)
    uploaded_by = models.CharField(_("uploaded by"), max_length=150)
    token_id = models.CharField(_("id of the API token"), max_length=36, blank=True)
    token_name = models.CharField(_("API token"), max_length=150, blank=True)
    uploader_factor = models.CharField(
        _("second factor of the uploader"), max_length=40, choices=Factor.choices, blank=True
    )

    class Meta:
        verbose_name = _("file")
        verbose_name_plural = _("files")
        ordering = ["filename"]
        indexes = [
            models.Index(fields=["project", "size"], name="file_sizes"),
            models.Index(fields=["blake2b_256"], name="file_content"),
            models.Index(fields=["token_id", "uploaded_at"], name="file_token"),
        ]

    def __str__(self) -> str:
        return self.filename

    @property
    def path(self) -> str:
        """Where its content is, by its BLAKE2b-256 digest."""
        return content_path(self.blake2b_256)

    @property
    def url(self) -> str:
        """Where it is downloaded from."""
        return download_url(self.blake2b_256, self.filename)


def content_path(digest: str) -> str:
    """The place of a content below the root of all files: two short folders, then the rest."""
    return f"{digest[:2]}/{digest[2:4]}/{digest[4:]}"


def download_url(digest: str, filename: str) -> str:
    """The absolute address of a file."""
    return f"{settings.SITE_URL}/files/{content_path(digest)}/{quote(filename)}"


class Role(models.Model):
    """What a person may do with a project."""

    class Kind(models.TextChoices):
        """The two roles. Owners may do what maintainers may, and change roles."""

        OWNER = "owner", _("owner")
        MAINTAINER = "maintainer", _("maintainer")

    # An account is closed by an operation that ends its roles and says so; never by the way.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="project_roles"
    )
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="roles")
    kind = models.CharField(_("role"), max_length=20, choices=Kind.choices)
    created_at = models.DateTimeField(_("since"), default=timezone.now)

    class Meta:
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        ordering = ["-kind", "user__username_key"]  # owners first
        constraints = [
            models.UniqueConstraint(fields=["user", "project"], name="one_role_in_a_project")
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.kind}"


class InvitationQuerySet(models.QuerySet["Invitation"]):
    """Invitations."""

    def open(self) -> InvitationQuerySet:
        """Those that can still be answered."""
        return self.filter(answered_at=None, expires_at__gt=timezone.now())


class Invitation(models.Model):
    """An offered role: for one account and one project, answered once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="invitations")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="project_invitations"
    )
    kind = models.CharField(_("role"), max_length=20, choices=Role.Kind.choices)
    # Who accepts takes the inviter's place, whose role then ends.
    is_transfer = models.BooleanField(_("hands the project over"), default=False)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sent_project_invitations"
    )
    created_at = models.DateTimeField(_("sent"), default=timezone.now)
    expires_at = models.DateTimeField(_("ends"))
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "user"],
                condition=Q(answered_at=None),
                name="one_open_invitation_to_a_project",
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.kind}"


class DeletedProjectQuerySet(models.QuerySet["DeletedProject"]):
    """Tombstones."""

    def bury(self, project: Project, *, deleted_by: str) -> DeletedProject:
        """Keep the name of a project that is about to be deleted, and burn the names of its files.

        Within the transaction that deletes it, under its lock, after the event was recorded, whose
        number is then the project's last serial.
        """
        BurntFilename.objects.burn(project.files.all())
        owners = project.roles.filter(kind=Role.Kind.OWNER).order_by("pk")
        return self.create(
            project_id=project.pk,
            name=project.name,
            normalized_name=project.normalized_name,
            serial=project.serial,
            owner_ids=[str(pk) for pk in owners.values_list("user_id", flat=True)],
            deleted_by=deleted_by,
        )


class DeletedProject(models.Model):
    """What remains of a deleted project: its name, and who may take that again."""

    project_id = models.UUIDField(_("id of the project"), primary_key=True, editable=False)
    name = models.CharField(_("name"), max_length=200)
    normalized_name = models.CharField(_("normalized name"), max_length=200, db_index=True)
    ultranormalized_name = _ultranormalized()
    serial = models.BigIntegerField(_("serial"))
    owner_ids = models.JSONField(_("ids of its owners"), default=list)
    deleted_at = models.DateTimeField(_("deleted"), default=timezone.now)
    deleted_by = models.CharField(_("deleted by"), max_length=150)
    # Once staff let the name go, anybody may take it.
    name_freed_at = models.DateTimeField(_("name freed"), null=True, blank=True)

    objects = DeletedProjectQuerySet.as_manager()

    class Meta:
        verbose_name = _("deleted project")
        verbose_name_plural = _("deleted projects")
        ordering = ["-deleted_at"]

    def __str__(self) -> str:
        return self.name


class BurntFilenameQuerySet(models.QuerySet["BurntFilename"]):
    """File names that were used."""

    def burn(self, files: models.QuerySet[File]) -> None:
        """Keep the names of files that are about to be deleted, so that none is used again.

        Within the transaction that deletes them, under their project's lock.
        """
        self.bulk_create(
            BurntFilename(filename=filename, blake2b_256=digest)
            for filename, digest in files.order_by().values_list("filename", "blake2b_256")
        )


class BurntFilename(models.Model):
    """The name of a deleted file. It is never used again, whoever asks for it."""

    filename = models.CharField(_("file name"), max_length=240, unique=True)
    blake2b_256 = models.CharField(_("BLAKE2b-256"), max_length=64, db_index=True)
    burnt_at = models.DateTimeField(_("deleted"), default=timezone.now, db_index=True)
    # Its content is kept for some days, and for good where another file has the same.
    content_settled_at = models.DateTimeField(_("content removed"), null=True, blank=True)

    objects = BurntFilenameQuerySet.as_manager()

    class Meta:
        verbose_name = _("burnt file name")
        verbose_name_plural = _("burnt file names")
        ordering = ["-burnt_at"]

    def __str__(self) -> str:
        return self.filename


class ContentRemoval(models.Model):
    """A stored content that was removed, or is being removed until `finished_at` is set.

    Who stores a content and then publishes it asks whether a removal came in between. Whoever
    carries a removal out renews `started_at`, by which others know that it is under way.
    """

    blake2b_256 = models.CharField(_("BLAKE2b-256"), max_length=64, db_index=True)
    # Moved to where people can look at it, in place of deleted; so it is finished, too.
    sets_aside = models.BooleanField(_("set aside"), default=False)
    started_at = models.DateTimeField(_("started"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("removed content")
        verbose_name_plural = _("removed contents")

    def __str__(self) -> str:
        return self.blake2b_256
