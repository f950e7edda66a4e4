"""The app as Django knows it."""

from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    """Fills the sockets of lower floors."""

    name = "projects"

    def ready(self) -> None:
        """Say what the closing of an account means here, and count whoever holds a role among those
        who must have a second factor.
        """
        from accounts import policy
        from accounts.closing import add_farewell, add_guard
        from projects.closing import end_roles, sole_ownerships
        from projects.models import Role

        add_guard(sole_ownerships)
        add_farewell(end_roles)
        policy.add_reason(lambda user: Role.objects.filter(user=user).exists())
