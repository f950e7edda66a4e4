"""The django-two-factor-auth seam: its wizard, its registry and its admin mixin, on our devices."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device
from formtools.wizard.storage import get_storage
from two_factor.plugins.registry import MethodBase, registry
from two_factor.views import LoginView

from accounts import devices, login
from accounts.forms.sign_in import CodeForm, KeyForm, RecoveryCodeForm, SignInForm
from accounts.gates import SafeNextMixin, is_fully_signed_in
from accounts.models import AuthenticatorApp, RecoveryCodeSet, SecurityKey, User
from accounts.safety import warn_of_few_codes

_METHODS = {"app": "an authenticator app", "key": "a security key", "passkey": "a passkey"}


class AuthenticatorAppMethod(MethodBase):
    """Codes from an authenticator app."""

    code = "app"
    verbose_name = _("Authenticator app")

    def get_devices(self, user: User) -> list[Device]:
        """The user's confirmed apps."""
        return list(user.authenticator_apps)

    def recognize_device(self, device: Device) -> bool:
        """Whether this is one."""
        return isinstance(device, AuthenticatorApp)

    def get_token_form_class(self) -> type[CodeForm]:
        """The form that takes a code."""
        return CodeForm

    def get_action(self, device: Device) -> Any:
        """What a button says."""
        return _("Use the app %(label)s") % {"label": device.name}


class SecurityKeyMethod(MethodBase):
    """Security keys and passkeys. The browser asks for any of them, so they are one choice."""

    code = "key"
    verbose_name = _("Security key")

    def get_devices(self, user: User) -> list[Device]:
        """The user's keys."""
        return list(user.security_keys)

    def recognize_device(self, device: Device) -> bool:
        """Whether this is one."""
        return isinstance(device, SecurityKey)

    def get_token_form_class(self) -> type[KeyForm]:
        """The form that takes the answer of a key."""
        return KeyForm

    def get_action(self, device: Device) -> Any:
        """What a button says."""
        return _("Use a security key or passkey")


def register_methods() -> None:
    """Put our methods in the place of the stock one."""
    registry.unregister("generator")
    registry.register(AuthenticatorAppMethod())
    registry.register(SecurityKeyMethod())


def _choices(user: User) -> list[Device]:
    """What a user can choose from at sign-in, last used first: each app, and one of all keys."""
    keys = user.security_keys[:1]
    return [row for row in user.second_factors if row in keys or row.kind == "app"]


def pending_user(request: HttpRequest) -> User | None:
    """Whoever gave the right password in this session, and no second factor yet."""
    view = SignInView()
    view.setup(request)
    view.prefix = view.get_prefix(request)
    if f"wizard_{view.prefix}" not in request.session:  # the storage would begin a session
        return None
    view.storage = get_storage(view.storage_name, view.prefix, request, None)
    return None if view.expired else view.get_user() or None


class SignInView(SafeNextMixin, LoginView):
    """Password first, then the second factor, in one wizard that works without JavaScript."""

    template_name = "accounts/sign_in.html"
    device_cache: Device | None
    form_list = (
        (LoginView.AUTH_STEP, SignInForm),
        (LoginView.TOKEN_STEP, CodeForm),
        (LoginView.BACKUP_STEP, RecoveryCodeForm),
    )

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Lead whoever is signed in on; others get a wizard whose forms are their own."""
        self.request = request
        self.needs_factor: dict[Any, bool] = {}
        if request.method == "GET" and is_fully_signed_in(request):
            return redirect(self.get_success_url())
        forms: Any = self.form_list  # a dictionary, once `as_view` has run
        self.form_list = forms.copy()  # the stock view writes into one shared dictionary
        response: HttpResponse = super().dispatch(request, *args, **kwargs)
        return response

    def process_step(self, form: Any) -> Any:
        """Keep when the password that was typed was set: a new one ends what the old one began."""
        data = super().process_step(form)
        if self.steps.current == self.AUTH_STEP:
            self.user_cache = form.user_cache
            self.storage.data["password_of"] = form.user_cache.password_changed_at.isoformat()
        return data

    def get_user(self) -> Any:
        """Whose password was typed, if it still is the password."""
        user = super().get_user()
        known = self.storage.data.get("password_of")
        return user if user and user.password_changed_at.isoformat() == known else None

    def post(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """Refuse to be led past a step whose proof is missing."""
        user = self.get_user()
        if self.expired or not (user and user.has_second_factor):
            self.storage.reset()  # so a password that is typed on an old page is looked at
            if not self._is_password():
                return self._start_again()
        try:
            response: HttpResponse = super().post(*args, **kwargs)
        except SuspiciousOperation:  # a form that is not ours; it need not fill the log
            self.storage.reset()
            return redirect("two_factor:login")
        return response

    def _is_password(self) -> bool:
        """Whether this is the form of the first step, or leads back to it; no later one."""
        posted = self.request.POST
        step = posted.get("wizard_goto_step") or posted.get(f"{self.prefix}-current_step")
        return step == self.AUTH_STEP and "challenge_device" not in posted

    def _start_again(self) -> HttpResponse:
        if is_fully_signed_in(self.request):  # by another window, or the first of two presses
            name = self.request.user.get_username()
            messages.info(self.request, _("You are signed in as %s already.") % name)
            return redirect(self.get_success_url())
        return self.lead_back(
            _(
                "This sign-in is over: it took more than %d minutes, was begun anew in another "
                "window, or the account was changed. Start again."
            )
            % (settings.TWO_FACTOR_LOGIN_TIMEOUT // 60)
        )

    def get_device(self, step: str | None = None) -> Device | None:
        """The device that this step asks for; recovery codes where they were chosen."""
        if step == self.BACKUP_STEP:
            return self.get_user().recovery_codes
        if self.device_cache is None:
            wanted = self.request.POST.get("challenge_device") or self.storage.data.get(
                "challenge_device"
            )
            factors = self.get_user().second_factors
            chosen = [row for row in factors if row.persistent_id == wanted]
            self.device_cache = (chosen or factors or [None])[0]
        return self.device_cache

    def has_backup_step(self) -> bool:
        """Offered where a recovery code is left and no factor was verified yet."""
        return (
            self.TOKEN_STEP not in self.storage.validated_step_data
            and self._needs_factor()
            and bool(self.get_user().recovery_codes)
        )

    def has_token_step(self) -> bool:
        """Asked of whoever has a second factor, unless a recovery code stood in for it."""
        return self.BACKUP_STEP not in self.storage.validated_step_data and self._needs_factor()

    def _needs_factor(self) -> bool:
        """Whether the account has a second factor that this browser may not skip.

        The wizard asks for its steps a dozen times in one request; the answer is found once.
        """
        user = self.get_user()
        if not user:
            return False
        if user.pk not in self.needs_factor:
            self.needs_factor[user.pk] = user.has_second_factor and not devices.is_remembered(
                self.request, user
            )
        return self.needs_factor[user.pk]

    condition_dict = {
        LoginView.TOKEN_STEP: has_token_step,
        LoginView.BACKUP_STEP: has_backup_step,
    }

    def get_context_data(self, form: Any, **kwargs: Any) -> dict[str, Any]:
        """What the template shows; the stock view would count codes in clear."""
        context = super(LoginView, self).get_context_data(form, **kwargs)
        user = self.get_user()
        context["next"] = self.get_redirect_url()
        if user and self.steps.current != self.AUTH_STEP:
            device = self.get_device()
            context["device"] = device
            context["may_remember"] = self.steps.current == self.TOKEN_STEP and not user.is_staff
            context["other_choices"] = [
                (row, registry.method_from_device(row).get_action(row))
                for row in _choices(user)
                if row != device and (row.kind == "app" or not isinstance(device, SecurityKey))
            ]
            context["has_recovery_codes"] = bool(user.recovery_codes and user.recovery_codes.unused)
        return dict(context)

    def done(self, form_list: Any, **kwargs: Any) -> HttpResponseRedirect:
        """Complete the sign-in with whatever was verified."""
        user = self.get_user()
        device: Device | None = getattr(user, "otp_device", None)
        if isinstance(device, RecoveryCodeSet):
            method = "a recovery code"
        elif device is not None:
            method = _METHODS[device.kind]
        elif user.has_second_factor:
            method = "a password, on a remembered device"
        else:
            method = "a password"
        target = self.get_success_url()
        remember = "remember_device" in self.request.POST
        try:
            login.complete(self.request, user, method=method, device=device, remember=remember)
        except PermissionDenied as refusal:  # the account was changed since the last proof
            return self.lead_back(str(refusal))
        if isinstance(device, RecoveryCodeSet) and (warning := warn_of_few_codes(device.unused)):
            messages.warning(self.request, warning)
        return HttpResponseRedirect(target)
