"""What the memory can say of the delivery door."""

from django.utils.translation import gettext_lazy as _

from audit.vocabulary import define

UPLOAD_REFUSED = define(
    "upload:file:refused",
    _("{actor} was refused an upload to {target}: {code}"),
    "code",
    "target",
    "filename",
    is_failure=True,
)
ENFORCEMENT_CHANGED = define(
    "staff:enforcement:changed",
    _("{actor} set the move to API tokens to “{stage}”, for “{audience}”: {reason}"),
    "audience",
    "stage",
    "announce_from",
    "warn_from",
    "enforce_from",
    "brown_outs",
    "dropped_brown_outs",  # that were to come, or went on, and were taken out
    "notice",
    "reason",
)
ENFORCEMENT_REACHED = define(
    "staff:enforcement:reached",
    _("The move to API tokens went from “{former}” to “{stage}”, for “{audience}”"),
    "stage",
    "former",
    "audience",
)
