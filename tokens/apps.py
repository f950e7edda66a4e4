"""The third floor as Django knows it."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TokensConfig(AppConfig):
    """Fills the sockets of lower floors."""

    name = "tokens"
    verbose_name = _("API tokens")

    def ready(self) -> None:
        """Declare the purpose key, add what tokens have to say to pages of accounts, and count
        whoever holds a token among those who must have a second factor.
        """
        from accounts import policy
        from accounts.audiences import Audience, add_audience
        from accounts.closing import add_farewell
        from accounts.data import add_part
        from accounts.finding import add_finder
        from accounts.panels import add_security_panel, add_survivors
        from audit.origins import add_eraser
        from tokens import credentials  # noqa: F401
        from tokens.closing import end_tokens
        from tokens.data import gather_tokens
        from tokens.models import APIToken, all_project_holders
        from tokens.panels import describe_tokens, find_holder, surviving_tokens
        from tokens.uses import forget_origins

        add_security_panel(describe_tokens)
        add_survivors(surviving_tokens)
        add_farewell(end_tokens)
        policy.add_reason(lambda user: APIToken.objects.active().of(user).exists())
        add_part("api_tokens", gather_tokens)
        add_eraser(forget_origins)
        add_finder(find_holder)
        title = _("holders of API tokens for all projects")
        add_audience(
            Audience("all-project tokens", title, all_project_holders, is_for_announcements=True)
        )
