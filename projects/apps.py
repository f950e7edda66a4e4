"""The app as Django knows it."""

from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    """Fills the sockets of lower floors."""

    name = "projects"

    def ready(self) -> None:
        """Say what the closing of an account means here and what its owner takes along, count
        whoever holds a role among those who must have a second factor, and name the mail that
        owners get.
        """
        from accounts import policy
        from accounts.audiences import add_audience
        from accounts.closing import add_farewell, add_guard
        from accounts.data import add_part
        from accounts.finding import add_finder
        from accounts.topics import add_topic
        from projects.closing import end_roles, sole_ownerships
        from projects.data import gather_invitations, gather_reports, gather_roles
        from projects.finding import find_people
        from projects.mailings import OWNERS, RELEASES
        from projects.models import Role

        add_guard(sole_ownerships)
        add_farewell(end_roles)
        add_part("roles", gather_roles)
        add_part("invitations", gather_invitations)
        add_part("reports", gather_reports)
        policy.add_reason(lambda user: Role.objects.filter(user=user).exists())
        add_finder(find_people)
        add_topic(RELEASES)
        add_audience(OWNERS)
