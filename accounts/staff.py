"""The page class of every staff act: group, fresh second factor, reason, one POST."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import View

from accounts.events import STAFF_ACT_REFUSED
from accounts.models import ADMINISTRATOR
from accounts.sudo import sudo_page
from audit.actors import Actor
from audit.failures import record_failure

FRESH = 30 * 60  # seconds since a second factor was verified: staff always have one
SHORTEST_REASON = 10  # characters


def _gate_above(view: Any) -> Any:
    """Nothing more: `StaffAct.dispatch` has let the request in before it asks for sudo mode."""
    return view


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        min_length=SHORTEST_REASON,
        max_length=500,
        help_text=gettext_lazy("It is kept in the audit log. At least 10 characters."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class StaffAct(View, ABC):
    """One act of staff on one row. A subclass says what, and calls an operation.

    Attributes:
        model: the table of the row.
        groups: the staff groups that may.
        title: what the page and its button say.
        consequence: a sentence with what will happen.
    """

    model: ClassVar[Any]
    groups: ClassVar[frozenset[str]] = frozenset({ADMINISTRATOR})
    title: ClassVar[Any]
    consequence: ClassVar[Any]

    @abstractmethod
    def act(self, row: Any, *, reason: str, by: Actor) -> str:
        """Do it, by one operation; the sentence that the page then shows.

        Raises:
            ValidationError, PermissionDenied: if the operation refuses.
        """

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Let in staff of the right group, with a fresh second factor, and nobody else."""
        if not admin.site.has_permission(request):
            return admin.site.login(request)
        user: Any = request.user
        if not user.groups.filter(name__in=self.groups).exists():
            record_failure(
                STAFF_ACT_REFUSED,
                by=request.actor,  # type: ignore[attr-defined]
                about=[user],
                distinct_by=str(type(self).__name__),
                act=type(self).__name__,
                reason="not in the group",
            )
            raise PermissionDenied(_("Your staff group may not do this."))
        view: Any = super().dispatch
        guarded = sudo_page(view, lasts=FRESH, gate=_gate_above)
        return guarded(request, *args, **kwargs)

    def get(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """Say what will happen, and ask for the reason."""
        return self._page(request, get_object_or_404(self.model, pk=pk), ReasonForm())

    def post(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """Act."""
        row = get_object_or_404(self.model, pk=pk)
        form = ReasonForm(request.POST)
        if form.is_valid():
            try:
                done = self.act(
                    row,
                    reason=form.cleaned_data["reason"],
                    by=request.actor,  # type: ignore[attr-defined]
                )
            except ValidationError as error:
                form.add_error(None, error)
            except PermissionDenied as error:
                form.add_error(None, str(error))
            else:
                messages.success(request, done)
                return redirect("admin:index")
        return self._page(request, row, form)

    def _page(self, request: HttpRequest, row: Any, form: ReasonForm) -> HttpResponse:
        context = {
            **admin.site.each_context(request),
            "title": self.title,
            "consequence": self.consequence,
            "row": row,
            "form": form,
        }
        return render(request, "admin/staff_act.html", context)
