"""The app as Django knows it."""

from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    """Its configuration."""

    name = "projects"

    def ready(self) -> None:
        """Say what the closing of an account means here."""
        from accounts.closing import add_farewell, add_guard
        from projects.closing import end_roles, sole_ownerships

        add_guard(sole_ownerships)
        add_farewell(end_roles)
