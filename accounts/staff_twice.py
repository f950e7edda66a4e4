"""Acts of staff that may hit many people: what they are about is then typed twice."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy

from accounts.forms.fields import ExactInput
from accounts.staff import ReasonForm, TableAct


class TypedTwiceForm(ReasonForm):
    """What the act is about; and once more, where that may be too much.

    Attributes:
        twice: the name of the field that is typed twice.
    """

    twice: ClassVar[str]
    again = forms.CharField(
        label=gettext_lazy("The same again"),
        required=False,
        max_length=253,
        widget=ExactInput,
    )

    def read(self, text: str) -> str:
        """What was typed, in its one spelling.

        Raises:
            ValidationError: if it is nothing of the kind.
        """
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        """Both spellings made one, and whether they are the same."""
        fields: dict[str, Any] = super().clean() or self.cleaned_data
        again = fields.pop("again", "")
        if self.twice in fields:
            fields[self.twice] = self._read_once(fields[self.twice])
            fields["is_confirmed"] = bool(again) and self._is_same(again, fields[self.twice])
        return fields

    def _read_once(self, text: str) -> str:
        try:
            return self.read(text)
        except ValidationError as error:
            self.add_error(self.twice, error)
            return ""

    def _is_same(self, again: str, first: str) -> bool:
        try:
            return self.read(again) == first
        except ValidationError:
            return False


class TypedTwiceAct(TableAct):
    """Asks once more where the operation refuses with the code "shared"."""

    def _page(self, request: HttpRequest, form: ReasonForm) -> HttpResponse:
        if not form.is_bound or not form.has_error(NON_FIELD_ERRORS, code="shared"):
            del form.fields["again"]
        return super()._page(request, form)
