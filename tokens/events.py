"""What the memory can say of API tokens."""

from django.utils.translation import gettext_lazy as _

from audit.vocabulary import define

TOKEN_CREATED = define(
    "token:token:created",
    _("{actor} made the API token {name} for {scope}"),
    "token_id",
    "name",
    "scope",
    "caveats",
)
TOKEN_REVOKED = define(
    "token:token:revoked",
    _("{actor} revoked the API token {name}: {reason}"),
    "token_id",
    "name",
    "reason",
)
TOKEN_REFUSED = define(
    "token:token:refused",
    _("An API token was refused: {reason}"),
    "token_id",
    "name",
    "reason",
    is_failure=True,
)
