"""The people, and what they prove themselves with."""

from accounts.models.counts import RateCount
from accounts.models.factors import (
    SECOND_FACTORS,
    AuthenticatorApp,
    RecoveryCode,
    RecoveryCodeSet,
    SecondFactor,
)
from accounts.models.outbox import OutboxMail
from accounts.models.people import ADMINISTRATOR, AccountLink, EmailAddress, User, UserManager
from accounts.models.signed_in import UserSession

__all__ = [
    "ADMINISTRATOR",
    "SECOND_FACTORS",
    "AccountLink",
    "AuthenticatorApp",
    "EmailAddress",
    "OutboxMail",
    "RateCount",
    "RecoveryCode",
    "RecoveryCodeSet",
    "SecondFactor",
    "User",
    "UserManager",
    "UserSession",
]
