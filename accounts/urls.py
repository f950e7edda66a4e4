"""The pages of an account."""

from django.urls import path
from django.views.generic import RedirectView

from accounts.two_factor import SignInView
from accounts.views import (
    closing,
    data,
    denials,
    emails,
    history,
    keys,
    mail_choices,
    passwords,
    recovery,
    registration,
    second_factors,
    security,
    sessions,
)

app_name = "accounts"
urlpatterns = [
    path("register/", registration.RegisterView.as_view(), name="register"),
    path("set-up/", registration.SetUpView.as_view(), name="set-up"),
    path("verify/", emails.VerifyAddressView.as_view(), name="verify-address"),
    path("address/", emails.change_unverified, name="change-address"),
    path("address/send-again/", emails.send_again, name="send-again"),
    path("addresses/add/", emails.add_address, name="add-address"),
    path("addresses/<int:pk>/resend/", emails.resend, name="resend-verification"),
    path("addresses/<int:pk>/remove/", emails.remove_address, name="remove-address"),
    path("addresses/<int:pk>/primary/", emails.make_primary, name="make-primary"),
    path("password/", passwords.change_password, name="change-password"),
    path("password/reset/", passwords.ask_for_reset, name="ask-for-reset"),
    path("password/reset/new/", passwords.ResetPasswordView.as_view(), name="reset-password"),
    path("password/reset/done/", passwords.show_survivors, name="after-reset"),
    path("mail/", mail_choices.choose_mail, name="mail-choices"),
    path("mail/stop/", mail_choices.StopMailView.as_view(), name="stop-mail"),
    path("data/", data.download, name="download-data"),
    path("delete/", closing.close_account, name="close-account"),
    path("sign-out/", sessions.sign_out, name="sign-out"),
    path("security/", security.show_security, name="security"),
    path("sessions/", sessions.show_sessions, name="sessions"),
    path("sessions/end-others/", sessions.end_other_sessions, name="end-other-sessions"),
    path("sessions/<slug:session>/end/", sessions.end_session, name="end-session"),
    path("devices/<int:pk>/forget/", sessions.forget_device, name="forget-device"),
    path("not-me/", denials.DenySignInView.as_view(), name="deny-sign-in"),
    path("recovery/cancel/", recovery.CancelRecoveryView.as_view(), name="cancel-recovery"),
    path("recovery/cancel-own/", recovery.cancel_own_recovery, name="cancel-own-recovery"),
    path("held/", denials.show_held, name="held"),
    path("history/", history.show_history, name="history"),
    path("history/export.<str:form>", history.export_history, name="export-history"),
    path("apps/add/", second_factors.add_app, name="add-app"),
    path("apps/<int:pk>/rename/", second_factors.rename_app, name="rename-app"),
    path("apps/<int:pk>/remove/", second_factors.remove_app, name="remove-app"),
    path("keys/add/", second_factors.add_key, name="add-key"),
    path("keys/add/options/", keys.ask_to_add_key, name="add-key-options"),
    path("keys/<int:pk>/rename/", second_factors.rename_key, name="rename-key"),
    path("keys/<int:pk>/remove/", second_factors.remove_key, name="remove-key"),
    path("passkeys/add/", second_factors.add_passkey, name="add-passkey"),
    path("passkeys/add/options/", keys.ask_to_add_passkey, name="add-passkey-options"),
    path("confirm/options/", keys.ask_to_confirm, name="confirm-options"),
    path("sign-in/options/", keys.ask_to_sign_in, name="sign-in-options"),
    path("sign-in/passkey/", keys.PasskeySignInView.as_view(), name="passkey-sign-in"),
    path("sign-in/passkey/options/", keys.ask_for_passkey, name="passkey-options"),
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
