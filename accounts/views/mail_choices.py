"""Choosing which mails to get: signed in, or with the link that each of them carries."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core import signing
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import View

from accounts import topics
from accounts.forms.mail_choices import MailChoicesForm
from accounts.gates import account_page
from accounts.links import read_mail_stop
from accounts.models import User
from accounts.operations import mail_choices
from accounts.views.links import hide_link
from audit.actors import from_connection


@account_page
def choose_mail(request: HttpRequest) -> HttpResponse:
    """All topics on one page."""
    user: Any = request.user
    form = MailChoicesForm(request.POST if request.method == "POST" else None, user=user)
    if form.is_bound and form.is_valid():
        by = request.actor  # type: ignore[attr-defined]  # of our middleware
        try:
            is_new = mail_choices.choose_mail(user, form.cleaned_data, by=by)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            text = _("Your choice is kept.") if is_new else _("Nothing has changed.")
            messages.success(request, text)
            return redirect("accounts:mail-choices")
    context = {"nav": "security", "form": form, "address": user.primary_email}
    return render(request, "accounts/mail_choices.html", context)


@method_decorator([never_cache, csrf_exempt], name="dispatch")
class StopMailView(View):
    """For whoever has the link of a mail, signed in or not. Opening it does nothing: mail scanners
    do. The button, and mail programs by themselves (RFC 8058), send a POST.

    The link alone proves who asks, so no session is looked at and no CSRF token is asked for.
    """

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Read the link before either method."""
        self.user: User | None = None
        self.topic: topics.Topic | None = None
        try:
            account_id, name = read_mail_stop(request.GET.get("link", ""))
            self.topic = topics.find(name)
        except (signing.BadSignature, KeyError):
            self.problem = _("This link is not complete. Copy all of it from the mail.")
        else:
            self.user = User.objects.filter(pk=account_id).first()
            self.problem = "" if self.user else _("This account was deleted.")
        return hide_link(super().dispatch(request, *args, **kwargs))  # type: ignore[arg-type]  # unknown to stubs

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show what would end, and the button."""
        return self._page(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        """End it; again and again, if that is sent."""
        if self.user is None or self.topic is None:
            return self._page(request)
        by = from_connection(request).as_user(self.user, credential="link")
        try:
            mail_choices.stop_mail(self.user, self.topic, by=by)
        except ValidationError as error:  # deleted since the link was read
            self.problem = " ".join(error.messages)
        return self._page(request, is_stopped=True)

    def _page(self, request: HttpRequest, *, is_stopped: bool = False) -> HttpResponse:
        context = {
            "account": self.user,
            "topic": self.topic,
            "problem": self.problem,
            "is_stopped": is_stopped,
        }
        status = 400 if self.problem else 200
        return render(request, "accounts/stop_mail.html", context, status=status)
