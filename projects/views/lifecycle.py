"""Archiving and deleting: each act has a page, in sudo mode, that says what it means."""

from __future__ import annotations

from functools import partial

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.sudo import SHORT, sudo_page
from projects.forms import ArchiveForm, TypedNameForm
from projects.operations import lifecycle
from projects.views.doors import (
    Act,
    ask_and_do,
    bound,
    find_release,
    find_role,
    project_context,
)


@sudo_page
def archive_project(request: HttpRequest, name: str) -> HttpResponse:
    """Archive, or make active again what is archived."""
    role = find_role(request, name)
    project = role.project
    back = reverse("projects:project-settings", args=[project.normalized_name])
    archived, active = ArchiveForm.STATUSES
    asked = request.POST.get("status")
    is_clear = asked in ArchiveForm.STATUSES
    wanted = asked if is_clear else active if project.is_archived else archived
    if wanted == active:
        act = Act(
            title=_("Make %s active again?") % project.name,
            consequences=[_("It takes new files again. Everybody with a role is told by mail.")],
            button=_("Make it active"),
            back=back,
            done=_("%s is active again.") % project.name,
        )
        operation = lifecycle.unarchive_project
    else:
        act = Act(
            title=_("Archive %s?") % project.name,
            consequences=[
                _("It takes no new files, and says so to installers and on its page."),
                _("What was released can still be installed."),
                _("You can make it active again at any time. Everybody with a role is told."),
            ],
            button=_("Archive the project"),
            back=back,
            done=_("%s is archived.") % project.name,
        )
        operation = lifecycle.archive_project
    return ask_and_do(
        request,
        act,
        ArchiveForm(request.POST if is_clear else None, initial={"status": wanted}),
        lambda _typed: operation(project, by=request.actor),  # type: ignore[attr-defined]
        project_context(role, "settings"),
    )


@sudo_page
def delete_file(request: HttpRequest, name: str, filename: str) -> HttpResponse:
    """Ask for the name of the file, then delete it."""
    role = find_role(request, name)
    files = role.project.files.select_related("release", "project")
    file = get_object_or_404(files, filename=filename)
    address = [role.project.normalized_name, file.release.version]
    act = Act(
        title=_("Delete the file %s?") % file.filename,
        consequences=[
            _("It can no longer be installed: builds that pin it break."),
            _("Its name can never be used again, not even for the same file."),
            _("If it is only broken, yank the version instead: that can be undone."),
        ],
        button=_("Delete this file"),
        back=reverse("projects:manage-release", args=address),
        done=_("The file %s was deleted.") % file.filename,
        is_danger=True,
        details=[
            (_("Size"), filesizeformat(file.size)),
            (_("Uploaded by"), file.uploaded_by),
            ("SHA-256", file.sha256),
        ],
    )
    return ask_and_do(
        request,
        act,
        TypedNameForm(bound(request), expected=file.filename),
        lambda _typed: lifecycle.delete_file(file, by=request.actor),  # type: ignore[attr-defined]
        project_context(role, "releases"),
    )


@sudo_page
def delete_release(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Ask for the version, then delete the release."""
    role = find_role(request, name)
    release = find_release(role.project, version)
    project, count = role.project, release.files.count()
    act = Act(
        title=_("Delete version %s?") % release.version,
        consequences=[
            ngettext(
                "Its %d file can no longer be installed: builds that pin it break.",
                "Its %d files can no longer be installed: builds that pin them break.",
                count,
            )
            % count,
            _("The names of its files can never be used again."),
            _("If it is only broken, yank it instead: that can be undone."),
        ],
        button=_("Delete this version"),
        back=reverse("projects:manage-release", args=[project.normalized_name, release.version]),
        then=reverse("projects:manage-project", args=[project.normalized_name]),
        done=_("Version %s was deleted.") % release.version,
        is_danger=True,
    )
    return ask_and_do(
        request,
        act,
        TypedNameForm(bound(request), expected=release.version),
        lambda _typed: lifecycle.delete_release(
            release,
            by=request.actor,  # type: ignore[attr-defined]
        ),
        project_context(role, "releases"),
    )


@partial(sudo_page, lasts=SHORT)
def delete_project(request: HttpRequest, name: str) -> HttpResponse:
    """Ask for the name, then delete everything."""
    role = find_role(request, name)
    project = role.project
    releases, files = project.releases.count(), project.files.count()
    act = Act(
        title=_("Delete the project %s?") % project.name,
        consequences=[
            _("Nothing of it can be installed any more: builds that need it break."),
            _("Nobody can bring it back. The names of its files can never be used again."),
            _("Everybody with a role is told by mail."),
            _("If it is only finished, archive it instead: that can be undone."),
        ],
        button=_("Delete the project"),
        back=reverse("projects:project-settings", args=[project.normalized_name]),
        then=reverse("projects:my-projects"),
        done=_("The project %s was deleted.") % project.name,
        is_danger=True,
        details=[(_("Releases"), releases), (_("Files"), files)],
    )
    return ask_and_do(
        request,
        act,
        TypedNameForm(bound(request), expected=project.name),
        lambda _typed: lifecycle.delete_project(
            project,
            by=request.actor,  # type: ignore[attr-defined]
        ),
        project_context(role, "settings"),
    )
