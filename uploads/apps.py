"""The app as Django knows it."""

from functools import partial

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class UploadsConfig(AppConfig):
    """Its configuration."""

    name = "uploads"
    verbose_name = _("Uploads")

    def ready(self) -> None:
        """Add the banner, and the people whom mail about enforcement goes to."""
        from accounts.audiences import Audience, add_audience
        from accounts.panels import add_banner
        from uploads import models
        from uploads.banners import announce_enforcement

        add_banner(announce_enforcement)
        for value, label in models.Audience.choices:
            find = partial(models.concerned_users, value)
            add_audience(Audience(models.audience_name(value), label, find))
