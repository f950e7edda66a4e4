"""The page class of every staff act: group, fresh second factor, reason, one POST."""

from __future__ import annotations

import time
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
from accounts.sessions import SIGNED_IN_AT
from audit.actors import Actor
from audit.failures import record_failure

FRESH = 30 * 60  # seconds since the sign-in; sudo mode asks for the password alone
SHORTEST_REASON = 10  # characters


class ReasonForm(forms.Form):
    """Why.

    Args:
        row: what the act is about.
    """

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        min_length=SHORTEST_REASON,
        max_length=500,
        help_text=gettext_lazy("It is kept in the audit log. At least 10 characters."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, row: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.row = row


class StaffPage(View):
    """A page for staff of some group, with a fresh second factor.

    Attributes:
        groups: the staff groups that may.
        title: what the page and its button say.
    """

    groups: ClassVar[frozenset[str]] = frozenset({ADMINISTRATOR})
    title: ClassVar[Any]

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
        signed_in_at = request.session.get(SIGNED_IN_AT)
        if not isinstance(signed_in_at, int) or time.time() - signed_in_at > FRESH:
            messages.error(
                request, _("This needs a fresh sign-in. Sign out, sign in, and come back.")
            )
            return redirect("accounts:security")
        return super().dispatch(request, *args, **kwargs)

    def _show(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        context |= {**admin.site.each_context(request), "title": self.title}
        return render(request, template, context)


class StaffAct(StaffPage, ABC):
    """One act of staff on one row. A subclass says what, and calls an operation.

    Attributes:
        model: the table of the row.
        consequence: a sentence with what will happen.
        form_class: asks for the reason, and for whatever else the act needs.
    """

    model: ClassVar[Any]
    consequence: ClassVar[Any]
    form_class: ClassVar[type[ReasonForm]] = ReasonForm

    @abstractmethod
    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Do it, by one operation; the sentence that the page then shows.

        Args:
            fields: what the form asks for, but for the reason.

        Raises:
            ValidationError, PermissionDenied: if the operation refuses.
        """

    def get(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """Say what will happen, and ask for the reason."""
        row = get_object_or_404(self.model, pk=pk)
        return self._page(request, row, self.form_class(row=row))

    def post(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """Act."""
        row = get_object_or_404(self.model, pk=pk)
        form = self.form_class(request.POST, row=row)
        if form.is_valid():
            fields = dict(form.cleaned_data)
            reason = fields.pop("reason")
            try:
                done = self.act(row, fields=fields, reason=reason, by=request.actor)  # type: ignore[attr-defined]
            except ValidationError as error:
                form.add_error(None, error)
            except PermissionDenied as error:
                form.add_error(None, str(error))
            else:
                messages.success(request, done)
                return redirect("admin:index")
        return self._page(request, row, form)

    def _page(self, request: HttpRequest, row: Any, form: ReasonForm) -> HttpResponse:
        return self._show(
            request, "admin/staff_act.html", consequence=self.consequence, row=row, form=form
        )
