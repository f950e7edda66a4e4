"""The first floor as Django knows it."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """Registers our second factors with django-two-factor-auth."""

    name = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        """Replace the stock method, whose devices keep their secrets in clear."""
        from accounts import security_keys, verification  # noqa: F401  (declare purpose keys)
        from accounts.operations import emails, passwords  # noqa: F401  (register their mails)
        from accounts.two_factor import register_methods

        register_methods()
