"""What staff see of projects: everything, and nothing that they could change here."""

from django.contrib import admin

from audit.admin import ReadOnlyAdmin
from projects.models import (
    BurntFilename,
    DeletedProject,
    File,
    ProhibitedName,
    Project,
    Release,
    Role,
)


@admin.register(Project)
class ProjectAdmin(ReadOnlyAdmin):
    """Projects."""

    list_display = ["name", "status", "serial", "created_at"]
    list_filter = ["status"]
    search_fields = ["name", "normalized_name"]
    date_hierarchy = "created_at"
    show_full_result_count = False


@admin.register(Release)
class ReleaseAdmin(ReadOnlyAdmin):
    """Releases."""

    list_display = ["project", "version", "yanked_at", "created_at"]
    list_select_related = ["project"]
    search_fields = ["project__normalized_name", "version"]
    show_full_result_count = False


@admin.register(File)
class FileAdmin(ReadOnlyAdmin):
    """Files, with who uploaded them and how."""

    list_display = [
        "filename",
        "kind",
        "size",
        "uploaded_at",
        "uploaded_by",
        "token_name",
        "uploader_factor",
    ]
    list_filter = ["kind", "uploader_factor"]
    search_fields = ["filename", "sha256", "uploaded_by", "token_id"]
    date_hierarchy = "uploaded_at"
    show_full_result_count = False


@admin.register(Role)
class RoleAdmin(ReadOnlyAdmin):
    """Roles."""

    list_display = ["project", "user", "kind", "created_at"]
    list_select_related = ["project", "user"]
    list_filter = ["kind"]
    search_fields = ["project__normalized_name", "user__username_key"]
    show_full_result_count = False


@admin.register(ProhibitedName)
class ProhibitedNameAdmin(ReadOnlyAdmin):
    """Names that no new project may have."""

    list_display = ["normalized_name", "reason", "prohibited_by", "created_at"]
    search_fields = ["normalized_name"]


@admin.register(DeletedProject)
class DeletedProjectAdmin(ReadOnlyAdmin):
    """Tombstones."""

    list_display = ["name", "serial", "deleted_at", "deleted_by", "name_freed_at"]
    search_fields = ["name", "normalized_name"]
    show_full_result_count = False


@admin.register(BurntFilename)
class BurntFilenameAdmin(ReadOnlyAdmin):
    """Names of deleted files."""

    list_display = ["filename", "burnt_at", "content_settled_at"]
    search_fields = ["filename", "blake2b_256"]
    show_full_result_count = False
