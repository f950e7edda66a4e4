"""The third floor as Django knows it."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TokensConfig(AppConfig):
    """Fills the sockets of lower floors."""

    name = "tokens"
    verbose_name = _("API tokens")

    def ready(self) -> None:
        """Declare the purpose key, and add what tokens have to say to pages of accounts."""
        from accounts.closing import add_farewell
        from accounts.data import add_part
        from accounts.panels import add_security_panel, add_survivors
        from tokens import credentials  # noqa: F401
        from tokens.closing import end_tokens
        from tokens.data import gather_tokens
        from tokens.panels import describe_tokens, surviving_tokens

        add_security_panel(describe_tokens)
        add_survivors(surviving_tokens)
        add_farewell(end_tokens)
        add_part("api_tokens", gather_tokens)
