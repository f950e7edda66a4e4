"""What the memory can say of people."""

from django.utils.translation import gettext_lazy as _

from audit.vocabulary import define

ACCOUNT_CREATED = define("account:account:created", _("{user} registered, by {means}"), "means")
ADMINISTRATOR_ADDED = define("account:administrator:added", _("{user} became an administrator"))
ACCOUNTS_IMPORTED = define(
    "account:accounts:imported", _("{actor} imported {count} accounts"), "count"
)
ACCOUNT_CLOSED = define("account:account:closed", _("{user} deleted the account {user}"))
DATA_DOWNLOADED = define("account:data:downloaded", _("{user} downloaded all data of the account"))
LINK_CANCELLED = define(
    "account:link:cancelled",
    _("{actor} ended a link before it was used ({purpose}): {reason}"),
    "purpose",
    "reason",
)
SWITCHED = define(
    "staff:switch:turned",
    _("{actor} turned the switch {switch} from {former} to {value}: {reason}"),
    "switch",
    "former",
    "value",
    "reason",
    "banner",
    "ends_at",
)
SWITCH_ENDED = define(
    "staff:switch:ended",
    _("The switch {switch} went from {former} to {value}, as its end had come"),
    "switch",
    "former",
    "value",
)
CAMPAIGN_STARTED = define(
    "staff:mail:started",
    _("{actor} began to send the mail “{title}” to {total} people ({audience}): {reason}"),
    "title",
    "notice",
    "audience",
    "total",
    "digest",  # of the words of an announcement, "" of other mail
    "reason",
)
CAMPAIGN_STOPPED = define(
    "staff:mail:stopped",
    _("{actor} stopped the mail “{title}” after {count} people: {reason}"),
    "title",
    "notice",
    "count",
    "reason",
)
CAMPAIGN_FINISHED = define(
    "staff:mail:finished",
    _("The mail “{title}” was queued for {count} people"),
    "title",
    "notice",
    "count",
)
ANNOUNCEMENT_WRITTEN = define(
    "staff:announcement:written",
    _("{actor} wrote the announcement “{title}” to {audience}: {reason}"),
    "title",
    "audience",
    "digest",
    "reason",
)
ANNOUNCEMENT_REWRITTEN = define(
    "staff:announcement:rewritten",
    _("{actor} rewrote the announcement “{title}” to {audience}: {reason}"),
    "title",
    "audience",
    "digest",
    "reason",
)
ANNOUNCEMENT_TESTED = define(
    "staff:announcement:tested",
    _("{actor} had the announcement “{title}” sent to {user} alone, as a test: {reason}"),
    "title",
    "digest",
    "reason",
)
MAIL_CHOSEN = define(
    "account:mail:chosen",
    _("{user} chose which mails of the topic “{topic}” to get: {choice}, before: {former}"),
    "topic",
    "choice",
    "former",
)
PASSWORD_CHANGED = define("account:password:changed", _("{user} has a new password"))
PASSWORD_RESET = define(
    "account:password:reset", _("The password of {user} was reset with a link from a mail")
)
PASSWORD_RESET_ASKED = define(
    "account:password:reset-asked", _("Somebody asked for a mail to reset the password of {user}")
)
PASSWORD_RESET_REFUSED = define(
    "account:password:reset-refused",
    _("A request to reset a password was not followed: {reason}"),
    "reason",
    "name_digest",
    is_failure=True,
)
LINK_CREATED = define(
    "account:link:created",
    _("{actor} made a link with which one account can be made ({purpose})"),
    "purpose",
    "expires_at",
)
INVITATION_CREATED = define(
    "account:invitation:created",
    _("{actor} made an invitation with which one account can be made: {reason}"),
    "expires_at",
    "reason",
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
    _("{user} was asked to prove again who they are, and the answer was wrong"),
    is_failure=True,
)
SIGNED_OUT = define("sign-in:session:closed", _("{user} signed out"))
SESSIONS_ENDED = define(
    "sign-in:sessions:ended", _("{count} sessions of {user} were ended"), "count"
)
SESSION_ENDED = define(
    "sign-in:session:ended",
    _("{actor} ended the session of {user} that was opened at {opened_at}"),
    "opened_at",
)
SIGN_IN_FROM_UNKNOWN_DEVICE = define(
    "sign-in:device:unknown", _("{user} signed in on a device that had not signed in before")
)
DEVICE_REMEMBERED = define(
    "sign-in:device:remembered",
    _("A device of {user} may sign in without the second factor for {days} days"),
    "days",
)
DEVICE_FORGOTTEN = define(
    "sign-in:device:forgotten",
    _("{actor} forgot the device of {user} that first signed in at {since}"),
    "since",
)
SIGN_IN_DENIED = define(
    "account:sign-in:denied",
    _(
        "{user} said that the sign-in of {happened_at} was not theirs: the password was disabled, "
        "uploads suspended, and {held} things that were added since are held"
    ),
    "happened_at",
    "held",
)
HELD_RELEASED = define(
    "account:held:released", _("{user} released the held {what} {label}"), "what", "label"
)
HELD_DELETED = define(
    "account:held:deleted", _("{user} deleted the held {what} {label}"), "what", "label"
)
UPLOADS_RESUMED = define("account:uploads:resumed", _("{user} resumed their uploads"))
SECOND_FACTORS_RESET = define(
    "account:second-factors:reset",
    _("{actor} removed all second factors of {user}: {reason}"),
    "reason",
    "count",
)
LIMIT_CLEARED = define(
    "staff:limit:cleared", _("{actor} cleared the limit “{limit}”: {reason}"), "limit", "reason"
)
LIMIT_REACHED = define(
    "sign-in:limit:reached",
    _("Too many attempts ({limit}); more are refused for a while"),
    "limit",
    is_failure=True,
)
EMAIL_ADDED = define("account:email:added", _("{user} added a mail address"))
EMAIL_REMOVED = define("account:email:removed", _("{user} removed a mail address"))
EMAIL_PRIMARY_CHANGED = define(
    "account:email:primary-changed", _("{user} chose another primary mail address")
)
EMAIL_IN_USE = define(
    "account:email:in-use",
    _("Somebody gave a mail address of {user} for another account"),
)
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
KEY_ADDED = define(
    "account:security-key:added", _("{user} added the security key {label}"), "label"
)
KEY_REMOVED = define(
    "account:security-key:removed", _("{user} removed the security key {label}"), "label"
)
PASSKEY_ADDED = define("account:passkey:added", _("{user} added the passkey {label}"), "label")
PASSKEY_REMOVED = define(
    "account:passkey:removed", _("{user} removed the passkey {label}"), "label"
)
KEY_REFUSED = define(
    "account:security-key:refused",
    _("A security key or passkey of {user} was not added: {reason}"),
    "reason",
    is_failure=True,
)
SECOND_FACTOR_RENAMED = define(
    "account:second-factor:renamed",
    _("{user} renamed the second factor {former} to {label}"),
    "former",
    "label",
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
MAIL_DOMAIN_PROHIBITED = define(
    "staff:mail-domain:prohibited",
    _("{actor} prohibited new mail addresses at {domain}: {reason}"),
    "domain",
    "accounts",
    "reason",
)
MAIL_DOMAIN_ALLOWED = define(
    "staff:mail-domain:allowed",
    _("{actor} accepted mail addresses at {domain} again: {reason}"),
    "domain",
    "reason",
)
FEATURE_MARKED = define(
    "staff:feature:marked",
    _("{actor} marked the feature {feature} as beta: {reason}"),
    "feature",
    "text",
    "url",
    "reason",
)
FEATURE_UNMARKED = define(
    "staff:feature:unmarked",
    _("{actor} took the mark “beta” from the feature {feature}: {reason}"),
    "feature",
    "reason",
)
RANGE_BLOCKED = define(
    "staff:network:blocked",
    _("{actor} blocked the network addresses {network}: {reason}"),
    "network",
    "accounts",
    "ends_at",
    "reason",
)
RANGE_LIFTED = define(
    "staff:network:lifted",
    _("{actor} lifted the block of the network addresses {network}: {reason}"),
    "network",
    "reason",
)
RANGE_ENDED = define(
    "staff:network:ended",
    _("The block of the network addresses {network} ended, as its end had come"),
    "network",
)
BLOCKED_ADDRESS_REFUSED = define(
    "sign-in:network:refused",
    _("A form was refused, because it came from a blocked network address ({page})"),
    "page",
    is_failure=True,
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
RECOVERY_OPENED = define(
    "staff:recovery:opened",
    _("{actor} opened a recovery case for {user}, to be completed from {due_at} on: {reason}"),
    "reason",
    "due_at",
)
RECOVERY_COMPLETED = define(
    "staff:recovery:completed",
    _("{actor} completed the recovery case of {user} that {opened_by} had opened: {reason}"),
    "reason",
    "opened_by",
)
RECOVERY_ENDED = define(
    "staff:recovery:cancelled",
    _("{actor} cancelled the recovery case of {user}: {reason}"),
    "reason",
)
RECOVERY_CANCELLED = define(
    "account:recovery:cancelled",
    _("{user} cancelled the recovery case of the account ({means})"),
    "means",
)
PASSWORD_DISABLED = define(
    "staff:password:disabled", _("{actor} disabled the password of {user}: {reason}"), "reason"
)
USER_NAME_PROHIBITED = define(
    "staff:user-name:prohibited",
    _("{actor} prohibited the user name {name}: {reason}"),
    "name",
    "reason",
)
USER_NAME_ALLOWED = define(
    "staff:user-name:allowed",
    _("{actor} allowed the user name {name} again: {reason}"),
    "name",
    "reason",
)
