"""The memory's own words."""

from django.utils.translation import gettext_lazy as _

from audit.vocabulary import define

FAILURES_REPEATED = define(
    "audit:failures:repeated",
    _("{failure} happened {count} times within 15 minutes from one network"),
    "failure",
    "count",
    is_failure=True,
)
FAILURES_UNLISTED = define(
    "audit:failures:unlisted",
    _("{count} more failures in this hour were counted without an event of their own"),
    "count",
    is_failure=True,
)
ORIGINS_ERASED = define(
    "audit:origins:erased",
    _("{actor} erased where {count} events before {before} came from"),
    "count",
    "before",
)
KEYS_ROTATED = define(
    "audit:keys:rotated",
    _("{actor} wrapped {count} keys anew under the present secret key"),
    "count",
)
EVENTS_EXPORTED = define(
    "audit:events:exported",
    _("{actor} exported events as {form}. Filter: {filters}"),
    "form",
    "filters",
)
CHAIN_CHECK_STARTED = define(
    "audit:chain:check-started",
    _("{actor} began to check the chain up to event {up_to}"),
    "up_to",
)
