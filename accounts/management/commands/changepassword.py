"""Takes the place of Django's command, which would change a password without memory or notice."""

from accounts.management.closed_doors import ClosedCommand


class Command(ClosedCommand):
    """Refuses."""

    help = "Not available: a password is changed by its owner."
    instead = (
        "Passwords are not changed from outside of an account. If no administrator can sign in any "
        "more, run `./run setup-link`, and make a new administrator with the link that it shows."
    )
