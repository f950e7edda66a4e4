"""The roof as Django knows it."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.utils.translation import gettext_lazy as _


class IndexsiteConfig(AppConfig):
    """Registers the checks of the settings."""

    name = "indexsite"
    verbose_name = _("Indexsite")

    def ready(self) -> None:
        """Import the checks."""
        from indexsite import checks  # noqa: F401


class StaffSiteConfig(AdminConfig):
    """Puts our staff site in the place of Django's."""

    default_site = "indexsite.staff_site.StaffSite"
