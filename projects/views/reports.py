"""Telling the staff that something is wrong with a project."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.gates import account_page
from projects.forms import ReportForm
from projects.models import Project
from projects.operations import reports


@account_page
@require_http_methods(["GET", "HEAD", "POST"])
def report_project(request: HttpRequest, name: str) -> HttpResponse:
    """The form, for whoever has an account: the answer comes by mail."""
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
    context = {"nav": "projects", "form": form, "project": project}
    return render(request, "projects/report.html", context)
