"""Acts on everything of one kind that the events of a filtered list name.

The page lists what it found, each with a box that can be unticked. All that is ticked is acted on,
or nothing is.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.staff import ReasonForm, StaffPage
from accounts.staff_gate import refuse
from audit.actors import Actor
from audit.acts import EventAct, add_event_act
from audit.forms import EventFilterForm
from audit.groups import SEE_ORIGINS, is_in
from audit.models import Event

EVENTS_READ = 10_000
ROWS_ACTED_ON = 500


class BulkAct(StaffPage):
    """One act on many rows. A subclass says which rows events name, and calls an operation."""

    nothing_found: ClassVar[Any]
    list_name: ClassVar[Any] = gettext_lazy("Events")

    @abstractmethod
    def rows(self, events: Sequence[Event]) -> list[Any]:
        """What the events name, as it is now."""

    @abstractmethod
    def consequences(self, count: int) -> list[str]:
        """What will happen if all of them stay ticked."""

    @abstractmethod
    def act(self, rows: Sequence[Any], *, reason: str, by: Actor) -> str:
        """Do it to all of them or to none; the sentence that the page then shows.

        Raises:
            ValidationError, PermissionDenied: if the operation refuses.
        """

    def get(self, request: HttpRequest) -> HttpResponse:
        """Say what was found and what will happen, and ask for the reason."""
        try:
            rows = self._found(request)
        except ValidationError as error:
            return self._refusal(request, error)
        return self._page(request, rows, self._form_for(request), {str(row.pk) for row in rows})

    def post(self, request: HttpRequest) -> HttpResponse:
        """Act on what is ticked, of what the filter finds now."""
        try:
            rows = self._found(request)
        except ValidationError as error:
            return self._refusal(request, error)
        ticked = set(request.POST.getlist("row"))
        chosen = [row for row in rows if str(row.pk) in ticked]
        form = self._form_for(request)
        if form.is_valid() and not chosen:
            form.add_error(None, _("Nothing is ticked that the filter still finds."))
        if form.is_valid():
            try:
                done = self.act(
                    chosen,
                    reason=form.cleaned_data["reason"],
                    by=request.actor,  # type: ignore[attr-defined]
                )
            except ValidationError as error:
                form.add_error(None, error)
            except PermissionDenied as error:
                refuse(request, self.slug, "not to one of them")
                form.add_error(None, _("Nothing was done. %s") % error)
            else:
                messages.success(request, done)
                return redirect(self._list_url(request))
        return self._page(request, rows, form, ticked)

    def _found(self, request: HttpRequest) -> list[Any]:
        """The rows that the filter in the address leads to.

        Raises:
            ValidationError: if the filter is wrong, or finds nothing, or too much.
        """
        form = EventFilterForm(request.GET, sees_origins=is_in(request.user, SEE_ORIGINS))
        if not form.is_valid():
            said = [str(text) for texts in form.errors.values() for text in texts]
            raise ValidationError(
                " ".join([_("The filter is not right, so nothing is listed."), *said])
            )
        if form.is_empty():
            raise ValidationError(_("Without a filter this would reach all. Filter the list."))
        events: list[Event] = []
        for batch in form.search().batches():
            events += batch
            if len(events) > EVENTS_READ:
                raise ValidationError(
                    _("The filter finds more than %d events. Make it narrower.") % EVENTS_READ
                )
        return self._acted_on([row for row in self.rows(events) if row != request.user])

    def _acted_on(self, rows: list[Any]) -> list[Any]:
        """The rows, if there are any and not too many.

        Raises:
            ValidationError: otherwise.
        """
        if not rows:
            raise ValidationError(self.nothing_found)
        if len(rows) > ROWS_ACTED_ON:
            raise ValidationError(
                _(
                    "The filter leads to %(count)d of them; at most %(most)d are acted on at once. "
                    "Make it narrower."
                )
                % {"count": len(rows), "most": ROWS_ACTED_ON}
            )
        return rows

    def _list_url(self, request: HttpRequest) -> str:
        return f"{reverse('admin:audit_event_changelist')}?{request.GET.urlencode()}"

    def _refusal(self, request: HttpRequest, error: ValidationError) -> HttpResponse:
        return self._show(
            request,
            "admin/bulk_act.html",
            refusal=error.messages[0],
            back=self._list_url(request),
            list_name=self.list_name,
        )

    def _page(
        self, request: HttpRequest, rows: list[Any], form: ReasonForm, ticked: set[str]
    ) -> HttpResponse:
        return self._show(
            request,
            "admin/bulk_act.html",
            form=form,
            lines=[(str(row.pk), str(row), str(row.pk) in ticked) for row in rows],
            consequences=self.consequences(len(rows)),
            back=self._list_url(request),
            list_name=self.list_name,
        )


def offered_on_events(act: type[BulkAct]) -> type[BulkAct]:
    """Fill the socket: put an act on the lists of events."""
    add_event_act(EventAct(act.title, act.slug, act.as_view(), act.groups))
    return act


def accounts_of(events: Sequence[Event]) -> list[User]:
    """The accounts that acted, and those that the events are about."""
    ids: set[str] = set()
    for row in events:
        event: Any = row
        if event.actor_kind == "user" and event.actor_id:
            ids.add(event.actor_id)
        ids |= {subject.subject_id for subject in event.about if subject.kind == "user"}
    return list(User.objects.filter(pk__in=ids))
