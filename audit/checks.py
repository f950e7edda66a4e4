"""What the database must hold before anything is served.

Not registered with Django, whose `migrate` would then refuse to put right what is missing.
"""

from __future__ import annotations

from django.core.checks import CheckMessage, Error
from django.db import DatabaseError

from audit import keyring, triggers


def check_memory() -> list[CheckMessage]:
    """The triggers are there and the secret key opens the keys."""
    try:
        return [*_check_triggers(), *_check_keys()]
    except DatabaseError as error:
        return [
            Error(
                f"The database does not answer as expected: {str(error).strip().splitlines()[0]}",
                hint="Is DATABASE_URL right, and have the migrations run?",
                id="audit.E001",
            )
        ]


def _check_triggers() -> list[CheckMessage]:
    missing = triggers.missing()
    if not missing:
        return []
    return [
        Error(
            f"The audit log is not protected: the database lacks {', '.join(missing)}.",
            hint="Run `manage.py migrate`, which makes the triggers again.",
            id="audit.E002",
        )
    ]


def _check_keys() -> list[CheckMessage]:
    try:
        for purpose in keyring.purposes():
            keyring.current_key(purpose)
    except keyring.WrongSecretKey:
        return [
            Error(
                "SECRET_KEY does not fit this database: it opens none of the keys stored there.",
                hint="Set the SECRET_KEY that the database was used with, or name the former one "
                "in SECRET_KEY_FALLBACKS.",
                id="audit.E003",
            )
        ]
    except LookupError as error:
        return [Error(str(error), hint="Run `manage.py migrate`.", id="audit.E004")]
    return []
