"""Takes the place of Django's command, which would make an account without a second factor."""

from accounts.management.closed_doors import ClosedCommand


class Command(ClosedCommand):
    """Refuses."""

    help = "Not available: `./run setup-link` makes administrators."
    instead = (
        "This site has no superusers, and no account of an administrator without a second factor. "
        "Run `./run setup-link`, and open the link that it shows."
    )
