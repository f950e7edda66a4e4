"""What the memory can say of API tokens."""

from django.utils.translation import gettext_lazy as _

from audit.vocabulary import define

TOKEN_CREATED = define(
    "token:token:created",
    _("{actor} made the API token {name} for {scope}"),
    "token_id",
    "name",
    "scope",
    "expires_at",
)
TOKEN_RENAMED = define(
    "token:token:renamed",
    _("{actor} renamed the API token {former} to {name}"),
    "token_id",
    "name",
    "former",
)
TOKEN_BOUND = define(
    "token:token:bound",
    _("The API token {name} of {user} was tied to the new project {project}"),
    "token_id",
    "name",
)
TOKEN_REVOKED = define(
    "token:token:revoked",
    _("{actor} revoked the API token {name}: {reason}"),
    "token_id",
    "name",
    "reason",
)
TOKEN_DENIED = define(
    "token:token:denied",
    _("{actor} cut the API token {name} of {user} off from {project}"),
    "token_id",
    "name",
)
TOKEN_LET_IN = define(
    "token:token:let-in",
    _("{actor} let the API token {name} of {user} in to {project} again"),
    "token_id",
    "name",
)
LEAK_REPORTED = define(
    "token:leak:reported",
    _("The API token {name} of {user} was reported as leaked, by {source}: {outcome}"),
    "token_id",
    "name",
    "source",
    "outcome",
)
TOKEN_REFUSED = define(
    "token:token:refused",
    _("{actor} was refused with an API token: {reason}"),
    "token_id",
    "name",
    "reason",
    is_failure=True,
)
TOKEN_LOOKED_UP = define(
    "staff:token:found",
    _("{actor} pasted a text that {match} the API token {name} of {owner}"),
    "token_id",
    "name",
    "owner",
    "match",  # "is" or "names"
)
