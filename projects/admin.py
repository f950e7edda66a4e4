"""What staff see of projects: everything, and nothing that they could change here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _

from accounts.staff import ObjectAdmin
from audit.admin import ReadOnlyAdmin
from projects import (  # noqa: F401  (they put their acts on the pages)
    staff_acts,
    staff_critical,
    staff_names,
    staff_stewardship,
)
from projects.models import (
    BurntFilename,
    DeletedProject,
    File,
    ProhibitedName,
    Project,
    QuarantinedProject,
    Release,
    Report,
    Role,
)


@admin.register(Project)
class ProjectAdmin(ObjectAdmin):
    """Projects."""

    events_of = {"project": "pk"}
    subject_kind = "project"
    list_display = ["name", "status", "quarantined_at", "serial", "created_at"]
    list_filter = ["status", ("critical_since", admin.EmptyFieldListFilter)]
    search_fields = ["name", "normalized_name"]
    show_full_result_count = False
    fields = [
        "id",
        "name",
        "normalized_name",
        "status",
        "quarantined_at",
        "quarantined_because",
        "critical_since",
        "serial",
        "created_at",
        "file_size_limit",
        "total_size_limit",
    ]


@admin.register(QuarantinedProject)
class QuarantineAdmin(ReadOnlyAdmin):
    """The queue of what is to be looked at, the oldest first; each leads to the project's page."""

    events_of = {"project": "pk"}
    list_display = ["project", "quarantined_at", "quarantined_because"]
    ordering = ["quarantined_at", "pk"]
    list_display_links = None
    search_fields = ["normalized_name"]
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """What is in quarantine."""
        return super().get_queryset(request).filter(status=Project.Status.QUARANTINED)

    @admin.display(description=_("project"))
    def project(self, row: Any) -> str:
        """The way to its page."""
        address = reverse("admin:projects_project_change", args=[row.pk])
        return format_html('<a href="{}">{}</a>', address, row.name)


@admin.register(Release)
class ReleaseAdmin(ReadOnlyAdmin):
    """Releases."""

    events_of = {"project": "project_id"}
    list_display = ["project", "version", "yanked_at", "created_at"]
    list_select_related = ["project"]
    search_fields = ["project__normalized_name", "version"]
    show_full_result_count = False


@admin.register(File)
class FileAdmin(ReadOnlyAdmin):
    """Files, with who uploaded them and how."""

    events_of = {"project": "project_id"}
    list_display = [
        "filename",
        "kind",
        "size",
        "uploaded_at",
        "uploaded_by",
        "token_name",
        "uploader_factor",
    ]
    list_filter = ["kind", ("uploader_factor", admin.EmptyFieldListFilter)]
    search_fields = ["filename", "sha256", "uploaded_by", "token_id"]
    show_full_result_count = False


@admin.register(Role)
class RoleAdmin(ReadOnlyAdmin):
    """Roles."""

    events_of = {"project": "project_id", "account": "user_id"}
    list_display = ["project", "user", "kind", "created_at"]
    list_select_related = ["project", "user"]
    list_filter = ["kind"]
    search_fields = ["project__normalized_name", "user__username_key"]
    show_full_result_count = False


@admin.register(ProhibitedName)
class ProhibitedNameAdmin(ObjectAdmin):
    """Names that no new project may have, or only one of somebody's."""

    list_display = ["normalized_name", "reserved_for", "reason", "prohibited_by", "created_at"]
    fields = ["normalized_name", "reserved_for", "reason", "prohibited_by", "created_at"]
    search_fields = ["normalized_name"]


@admin.register(DeletedProject)
class DeletedProjectAdmin(ObjectAdmin):
    """Tombstones."""

    events_of = {"project": "project_id"}
    list_display = ["name", "serial", "deleted_at", "deleted_by", "name_freed_at"]
    search_fields = ["name", "normalized_name"]
    show_full_result_count = False


@admin.register(BurntFilename)
class BurntFilenameAdmin(ObjectAdmin):
    """Names of deleted files."""

    list_display = ["filename", "burnt_at", "content_settled_at"]
    search_fields = ["filename", "blake2b_256"]
    show_full_result_count = False


@admin.register(Report)
class ReportAdmin(ObjectAdmin):
    """The queue of what people report: what is open first, the oldest on top."""

    events_of = {"project": "project_id"}
    list_display = ["project_name", "kind", "age", "made_at", "who", "outcome"]
    list_filter = [
        ("answered_at", admin.EmptyFieldListFilter),
        "kind",
        "outcome",
        "is_strangers",
    ]
    list_select_related = ["reporter"]
    search_fields = ["project_name", "reporter__username_key"]
    ordering = [F("answered_at").desc(nulls_first=True), "made_at", "pk"]
    show_full_result_count = False
    fields = [
        "project_name",
        "kind",
        "text",
        "who",
        "mail_address",
        "made_at",
        "age",
        "outcome",
        "answer",
        "answered_by",
        "answered_at",
    ]

    @admin.display(description=_("reporter"))
    def who(self, report: Report) -> str:
        """The account, a stranger, or nobody any more."""
        return report.reporter_label

    @admin.display(description=_("age"))
    def age(self, report: Report) -> str:
        """How long it has been, or was, open."""
        return timesince(report.made_at, report.answered_at)
