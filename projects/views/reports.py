"""Telling the staff that something is wrong with a project."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.gates import account_page
from projects.forms import ReportForm, StrangerReportForm
from projects.models import Project
from projects.names import is_normalized, normalize
from projects.operations import reports
from projects.views.doors import lead_to_normalized


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def report_project(request: HttpRequest, name: str) -> HttpResponse:
    """The form, for everybody; whoever is signed in gets the answer by mail.

    What is sent to another spelling of the name is taken: a redirect would lose it.
    """
    if not is_normalized(name) and request.method != "POST":
        return lead_to_normalized(request, "projects:project-report", name)
    view = report_as_person if request.user.is_authenticated else _report_as_stranger
    return view(request, normalize(name))


@account_page
def report_as_person(request: HttpRequest, name: str) -> HttpResponse:
    """The form for whoever has an account."""
    project = get_object_or_404(Project, normalized_name=name)
    form = ReportForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            reports.report_project(project, **form.cleaned_data, by=request.actor)  # type: ignore[attr-defined]
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("Thank you. The staff will answer you by mail."))
            return redirect("projects:my-projects")
    context = {"nav": "projects", "form": form, "project": project, "frame": "account.html"}
    return render(request, "projects/report.html", context)


def _report_as_stranger(request: HttpRequest, name: str) -> HttpResponse:
    project = get_object_or_404(Project, normalized_name=name)
    form = StrangerReportForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            reports.report_as_stranger(project, **form.cleaned_data, by=request.actor)  # type: ignore[attr-defined]
        except ValidationError as error:
            form.add_error(None, error)
        else:
            return redirect(f"{request.path}?sent=1")  # a stranger has no session for messages
    context = {
        "form": form,
        "project": project,
        "frame": "base.html",
        "is_stranger": True,
        "is_sent": request.method != "POST" and "sent" in request.GET,
    }
    return render(request, "projects/report.html", context)
