"""What the memory can say of the control room itself."""

from django.utils.translation import gettext_lazy as _

from audit.vocabulary import define

NUMBERS_EXPORTED = define(
    "staff:numbers:exported", _("{actor} exported the numbers “{sheet}”"), "sheet"
)
NUMBERS_PUBLISHED = define(
    "staff:numbers:published",
    _("{actor} turned the public page of numbers {position}: {reason}"),
    "position",
    "reason",
)
LATE_WORKER_TOLD = define(
    "site:worker:late",
    _("The worker was late, and the web server told {mails} administrators: {jobs}"),
    "jobs",
    "mails",
    is_failure=True,
)
