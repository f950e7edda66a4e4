"""The app as Django knows it."""

from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    """Fills the sockets of lower floors."""

    name = "projects"

    def ready(self) -> None:
        """Count whoever holds a role among those who must have a second factor."""
        from accounts import policy
        from projects.models import Role

        policy.add_reason(lambda user: Role.objects.filter(user=user).exists())
