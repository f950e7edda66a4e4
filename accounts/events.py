"""What the memory can say of people."""

from django.utils.translation import gettext_lazy as _

from audit.vocabulary import define

ACCOUNT_CREATED = define("account:account:created", _("{user} registered, by {means}"), "means")
ADMINISTRATOR_ADDED = define("account:administrator:added", _("{user} became an administrator"))
LINK_CREATED = define(
    "account:link:created",
    _("{actor} made a link with which one account can be made ({purpose})"),
    "purpose",
    "expires_at",
)
SIGN_IN_SUCCEEDED = define(
    "sign-in:session:opened", _("{user} signed in with {method}"), "method", "factor"
)
SIGN_IN_FAILED = define(
    "sign-in:session:refused",
    _("A sign-in failed: {reason}"),
    "reason",
    "name_digest",
    is_failure=True,
)
CONFIRM_FAILED = define(
    "sign-in:sudo:refused",
    _("{user} was asked for the password again, and it was wrong"),
    is_failure=True,
)
SIGNED_OUT = define("sign-in:session:closed", _("{user} signed out"))
SESSIONS_ENDED = define(
    "sign-in:sessions:ended", _("{count} other sessions of {user} were ended"), "count"
)
LIMIT_REACHED = define(
    "sign-in:limit:reached",
    _("Too many attempts ({limit}); more are refused for a while"),
    "limit",
    is_failure=True,
)
EMAIL_ADDED = define("account:email:added", _("{user} added a mail address"))
EMAIL_VERIFIED = define("account:email:verified", _("A mail address of {user} was verified"))
EMAIL_VERIFIED_BY_STAFF = define(
    "account:email:verified-by-staff",
    _("{actor} declared a mail address of {user} verified: {reason}"),
    "reason",
)
EMAIL_VERIFICATION_SENT = define(
    "account:email:verification-sent", _("{user} asked for another verification mail")
)
APP_ADDED = define(
    "account:second-factor:added", _("{user} added the authenticator app {label}"), "label"
)
APP_REMOVED = define(
    "account:second-factor:removed", _("{user} removed the authenticator app {label}"), "label"
)
APP_REFUSED = define(
    "account:second-factor:refused",
    _("An authenticator app of {user} was not added: the code was wrong"),
    is_failure=True,
)
RECOVERY_CODES_CREATED = define(
    "account:recovery-codes:created", _("{user} made {count} new recovery codes"), "count"
)
RECOVERY_CODES_CONFIRMED = define(
    "account:recovery-codes:confirmed", _("{user} typed a recovery code back")
)
RECOVERY_CODE_NOT_CONFIRMED = define(
    "account:recovery-codes:not-confirmed",
    _("{user} typed a recovery code back that is none of the present ones"),
    is_failure=True,
)
RECOVERY_CODE_USED = define(
    "account:recovery-codes:used", _("{user} used a recovery code; {left} are left"), "left"
)
STAFF_ACT_REFUSED = define(
    "staff:act:refused",
    _("{actor} was refused {act}: {reason}"),
    "act",
    "reason",
    is_failure=True,
)
STAFF_RIGHTS_CHANGED = define(
    "staff:rights:changed",
    _("{actor} changed the staff groups of {user} from {former} to {groups}: {reason}"),
    "former",
    "groups",
    "reason",
)
ACCOUNT_FROZEN = define(
    "staff:account:frozen", _("{actor} froze the account {user}: {reason}"), "reason"
)
ACCOUNT_UNFROZEN = define(
    "staff:account:unfrozen", _("{actor} unfroze the account {user}: {reason}"), "reason"
)
SESSIONS_ENDED_BY_STAFF = define(
    "staff:sessions:ended",
    _("{actor} ended all {count} sessions of {user}: {reason}"),
    "reason",
    "count",
)
