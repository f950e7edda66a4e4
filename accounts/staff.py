"""The page classes of staff: what an object's page offers, and what every act asks for.

An act needs a staff group, a fresh second factor, a reason and one POST. Acts and panels are
sockets: higher floors add theirs to the pages of lower ones.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.generic import View

from accounts.forms.fields import ReasonField
from accounts.sightings import CHANGED, digest_state
from accounts.staff_gate import ACTS, refuse, staff_page, take_attempt
from audit.actors import Actor
from audit.admin import ReadOnlyAdmin
from audit.groups import ADMINISTRATOR, is_in


class ReasonForm(forms.Form):
    """Why. Some reasons are offered, and can be edited.

    Args:
        row: what the act is about, None where it is about many.
        reasons: what to offer.
    """

    reason = ReasonField(widget=forms.TextInput(attrs={"list": "reasons", "autocomplete": "off"}))

    def __init__(self, *args: Any, row: Any = None, act: type[StaffPage], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = (
            _("At least 10 characters. Kept in the audit log, and sent to whom it concerns.")
            if act.tells_people
            else _("At least 10 characters. Kept in the audit log.")
        )


class SeenForm(ReasonForm):
    """Knows which version of the row whoever decides has seen."""

    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, row: Any, **kwargs: Any) -> None:
        super().__init__(*args, row=row, **kwargs)
        self.fields["version"].initial = row.version


class SightedForm(ReasonForm):
    """Carries how what is decided about stood when the form was shown."""

    seen = forms.CharField(widget=forms.HiddenInput, max_length=64)

    def __init__(self, *args: Any, row: Any, **kwargs: Any) -> None:
        super().__init__(*args, row=row, **kwargs)
        self.fields["seen"].initial = digest_state(*self.state_of(row))

    def state_of(self, row: Any) -> tuple[object, ...]:
        """What the operation will compare: its own `find_state`."""
        raise NotImplementedError


class StaffPage(View, ABC):
    """What all acts have in common.

    Attributes:
        slug: the last part of the page's address, and of its URL name.
        groups: the staff groups that may.
        title: what the page and its button say.
        reasons: what is offered as reason.
        tells_people: whether the reason is sent to somebody.
        form_class: asks for the reason, and for whatever else the act needs.
    """

    slug: ClassVar[str]
    groups: ClassVar[frozenset[str]] = frozenset({ADMINISTRATOR})
    title: ClassVar[Any]
    reasons: ClassVar[Sequence[Any]] = ()
    tells_people: ClassVar[bool] = True
    form_class: ClassVar[type[ReasonForm]] = ReasonForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Let in staff of the right group, with a fresh second factor, and nobody else."""
        return staff_page(self._dispatch_staff)(request, *args, **kwargs)

    def _dispatch_staff(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not is_in(request.user, self.groups):
            refuse(request, self.slug, "not in the group")
            raise PermissionDenied(_("Your staff group may not do this."))
        if request.method == "POST":
            refusal = take_attempt(request, ACTS)
            if refusal is not None:
                return refusal
        response: Any = super().dispatch(request, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        return response

    def _form_for(self, request: HttpRequest, row: Any = None) -> ReasonForm:
        data = request.POST if request.method == "POST" else None
        return self.form_class(data, row=row, act=type(self))

    def _try(self, request: HttpRequest, form: ReasonForm, act: Callable[..., str]) -> bool:
        """Act, if the form is right; False with the reason in the form, if nothing was done."""
        if not form.is_valid():
            return False
        fields = dict(form.cleaned_data)
        reason = fields.pop("reason")
        try:
            done = act(fields=fields, reason=reason, by=request.actor)  # type: ignore[attr-defined]
        except ValidationError as error:
            form.add_error(None, error)
        except PermissionDenied as error:
            refuse(request, self.slug, "not to this one")
            form.add_error(None, str(error))
        else:
            messages.success(request, done)
            return True
        return False

    def _show(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        context |= {
            **admin.site.each_context(request),
            "title": self.title,
            "reasons": self.reasons,
        }
        return render(request, template, context)


def _page_of(model: Any, page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


class StaffAct(StaffPage):
    """One act of staff on one row. A subclass says what, and calls an operation.

    Attributes:
        model: the table of the row; set by `offered_on`.
    """

    model: ClassVar[Any]

    @abstractmethod
    def consequences(self, row: Any) -> list[str]:
        """What will happen, in sentences that name it."""

    @abstractmethod
    def act(self, row: Any, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Do it, by one operation; the sentence that the page then shows.

        Args:
            fields: what the form asks for, but for the reason.

        Raises:
            ValidationError, PermissionDenied: if the operation refuses.
        """

    @classmethod
    def is_offered(cls, row: Any) -> bool:
        """Whether there is anything to do; the page of the row leaves out what is not."""
        return True

    def get(self, request: HttpRequest, pk: str) -> HttpResponse:
        """Say what will happen, and ask for the reason."""
        row = self._find(pk)
        return self._page(request, row, self._form_for(request, row))

    def post(self, request: HttpRequest, pk: str) -> HttpResponse:
        """Act."""
        row = self._find(pk)
        form = self._form_for(request, row)
        if self._try(request, form, partial(self.act, row)):
            return redirect(self._after(row))
        if form.has_error(NON_FIELD_ERRORS, CHANGED):
            return self._look_again(request, pk, form)
        return self._page(request, row, form)

    def _look_again(self, request: HttpRequest, pk: str, form: ReasonForm) -> HttpResponse:
        """Why nothing was done, and how things stand now; the reason is what stays."""
        row = self._find(pk)
        fresh = self.form_class(row=row, act=type(self))
        fresh.fields["reason"].initial = form.cleaned_data.get("reason", "")
        said = list(map(str, form.non_field_errors()))
        if len(fresh.visible_fields()) > 1:  # it asks for more than the reason
            said.append(_("The form shows how it stands now; what you had chosen was not kept."))
        return self._page(request, row, fresh, refusals=said)

    def _find(self, pk: str) -> Any:
        try:
            return self.model._default_manager.get(pk=pk)
        except (self.model.DoesNotExist, ValidationError, ValueError) as error:
            raise Http404 from error

    def _after(self, row: Any) -> str:
        """The page of the row; the list, once the row is gone."""
        if self.model._default_manager.filter(pk=row.pk).exists():
            return _page_of(self.model, "change", row.pk)
        return _page_of(self.model, "changelist")

    def _page(
        self, request: HttpRequest, row: Any, form: ReasonForm, refusals: Sequence[str] = ()
    ) -> HttpResponse:
        return self._show(
            request,
            "admin/staff_act.html",
            row=row,
            form=form,
            refusals=refusals,
            consequences=self.consequences(row),
            back=_page_of(self.model, "change", row.pk),
            kind=self.model._meta.verbose_name,
        )


class TableAct(StaffPage):
    """One act of staff that is about no row yet. A subclass says what, and calls an operation.

    Attributes:
        model: the table that lists what comes of it; set by `offered_on_table`.
    """

    model: ClassVar[Any]

    @abstractmethod
    def consequences(self) -> list[str]:
        """What will happen, in sentences."""

    @abstractmethod
    def act(self, *, fields: dict[str, Any], reason: str, by: Actor) -> str:
        """Do it, by one operation; the sentence that the page then shows.

        Raises:
            ValidationError, PermissionDenied: if the operation refuses.
        """

    def get(self, request: HttpRequest) -> HttpResponse:
        """Say what will happen, and ask."""
        return self._page(request, self._form_for(request))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Act."""
        form = self._form_for(request)
        if self._try(request, form, self.act):
            return redirect(self._after())
        return self._page(request, form)

    def _after(self) -> str:
        """Where it leads to: the list."""
        return _page_of(self.model, "changelist")

    def _page(self, request: HttpRequest, form: ReasonForm) -> HttpResponse:
        return self._show(
            request,
            "admin/staff_act.html",
            row=None,
            form=form,
            consequences=self.consequences(),
            back=_page_of(self.model, "changelist"),
            kind=self.model._meta.verbose_name_plural,
        )


@dataclass(frozen=True)
class Cell:
    """A text, and where it leads to, "" for nowhere."""

    text: Any
    url: str = ""


@dataclass(frozen=True)
class StaffPanel:
    """A part of an object's page that another floor adds.

    Attributes:
        title: its heading.
        columns: headings of its table.
        rows: the cells of each row.
        url: where all of them are, "" if nowhere else.
        empty: what is said in place of an empty table.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    url: str = ""
    empty: str = field(default_factory=lambda: _("None."))


_acts: dict[Any, list[type[StaffAct]]] = {}
_table_acts: dict[Any, list[type[TableAct]]] = {}
_panels: dict[Any, list[tuple[frozenset[str], Callable[[Any], StaffPanel]]]] = {}


def offered_on(model: Any) -> Callable[[type[StaffAct]], type[StaffAct]]:
    """Fill the socket: put an act on the pages of a table, on this floor or a lower one."""

    def register(act: type[StaffAct]) -> type[StaffAct]:
        act.model = model
        _acts.setdefault(model, []).append(act)
        return act

    return register


def acts_on(model: Any) -> list[type[StaffAct]]:
    """All acts on the rows of a table."""
    return list(_acts.get(model, []))


def offered_on_table(model: Any) -> Callable[[type[TableAct]], type[TableAct]]:
    """Fill the socket: put an act above the list of a table."""

    def register(act: type[TableAct]) -> type[TableAct]:
        act.model = model
        _table_acts.setdefault(model, []).append(act)
        return act

    return register


def acts_on_table(model: Any) -> list[type[TableAct]]:
    """All acts above the list of a table."""
    return list(_table_acts.get(model, []))


def add_staff_panel(
    model: Any, make: Callable[[Any], StaffPanel], *, seen_by: frozenset[str]
) -> None:
    """Fill the socket: a part of the pages of a table, seen by some staff groups."""
    _panels.setdefault(model, []).append((seen_by, make))


class ObjectAdmin(ReadOnlyAdmin):
    """Rows that staff look at, with what they may do to them, and what other floors know."""

    change_form_template = "admin/object.html"
    change_list_template = "admin/table.html"

    def get_urls(self) -> list[Any]:
        """Offer the acts' pages beside those of the rows."""
        acts = [
            path(f"<str:pk>/{act.slug}/", act.as_view(), name=f"act-{act.slug}")
            for act in acts_on(self.model)
        ]
        above = [
            path(f"act/{act.slug}/", act.as_view(), name=f"act-{act.slug}")
            for act in acts_on_table(self.model)
        ]
        return [*above, *acts, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """All rows, and what is done above them."""
        acts = [
            (act.title, reverse(f"admin:act-{act.slug}"))
            for act in acts_on_table(self.model)
            if is_in(request.user, act.groups)
        ]
        return super().changelist_view(request, {"table_acts": acts, **(extra_context or {})})

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """One row."""
        row = kwargs.get("obj")
        if row is not None:
            context |= {
                "acts": self.offered_acts(request, row),
                "panels": [
                    make(row)
                    for seen_by, make in _panels.get(self.model, [])
                    if is_in(request.user, seen_by)
                ],
            }
        return super().render_change_form(request, context, *args, **kwargs)

    def offered_acts(self, request: HttpRequest, row: Any) -> list[tuple[Any, str]]:
        """Title and address of what this member of staff may do to this row now."""
        return [
            (act.title, reverse(f"admin:act-{act.slug}", args=[row.pk]))
            for act in acts_on(self.model)
            if is_in(request.user, act.groups) and act.is_offered(row)
        ]
