"""The pages of an account."""

from django.urls import path
from django.views.generic import RedirectView

from accounts.two_factor import SignInView
from accounts.views import emails, history, registration, second_factors, security, sessions

app_name = "accounts"
urlpatterns = [
    path("register/", registration.RegisterView.as_view(), name="register"),
    path("set-up/", registration.SetUpView.as_view(), name="set-up"),
    path("verify/", emails.VerifyAddressView.as_view(), name="verify-address"),
    path("address/", emails.UnverifiedAddressView.as_view(), name="change-address"),
    path("sign-out/", sessions.sign_out, name="sign-out"),
    path("security/", security.show_security, name="security"),
    path("history/", history.show_history, name="history"),
    path("apps/add/", second_factors.add_app, name="add-app"),
    path("apps/<int:pk>/remove/", second_factors.remove_app, name="remove-app"),
    path("recovery-codes/", second_factors.recovery_codes, name="recovery-codes"),
    path("recovery-codes/make/", second_factors.make_recovery_codes, name="make-recovery-codes"),
]
# django-two-factor-auth asks for these names in its own namespace.
two_factor_patterns = (
    [
        path("sign-in/", SignInView.as_view(), name="login"),
        path("apps/set-up/", RedirectView.as_view(pattern_name="accounts:add-app"), name="setup"),
    ],
    "two_factor",
)
