"""The people, and what they prove themselves with."""

from accounts.models.campaigns import Announcement, Campaign
from accounts.models.cases import RecoveryCase
from accounts.models.counts import RateCount
from accounts.models.domains import ProhibitedDomain
from accounts.models.factors import (
    SECOND_FACTORS,
    AuthenticatorApp,
    RecoveryCode,
    RecoveryCodeSet,
    SecondFactor,
    SecurityKey,
    SpentChallenge,
)
from accounts.models.features import BetaFeature
from accounts.models.mail_choices import MailChoice
from accounts.models.outbox import OutboxMail
from accounts.models.people import (
    ADMINISTRATOR,
    AccountLink,
    EmailAddress,
    PasswordReset,
    ReservedName,
    User,
    UserManager,
)
from accounts.models.ranges import BlockedRange
from accounts.models.signed_in import KnownDevice, UnknownSignIn, UserSession
from accounts.models.switched import SwitchState

__all__ = [
    "ADMINISTRATOR",
    "SECOND_FACTORS",
    "AccountLink",
    "Announcement",
    "AuthenticatorApp",
    "BetaFeature",
    "BlockedRange",
    "Campaign",
    "EmailAddress",
    "KnownDevice",
    "MailChoice",
    "OutboxMail",
    "PasswordReset",
    "ProhibitedDomain",
    "RateCount",
    "RecoveryCase",
    "RecoveryCode",
    "RecoveryCodeSet",
    "ReservedName",
    "SecondFactor",
    "SecurityKey",
    "SpentChallenge",
    "SwitchState",
    "UnknownSignIn",
    "User",
    "UserManager",
    "UserSession",
]
