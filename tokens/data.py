"""What a person takes along of API tokens: all but the keys that sign them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from accounts.models import User
from tokens.descriptions import describe_token
from tokens.models import APIToken

_SHOWN = (
    "id",
    "name",
    "caveats",
    "created_at",
    "made_with",
    "expires_at",
    "last_used_at",
    "last_used_from",
    "last_used_client",
    "last_used_project",
    "last_used_file",
    "revoked_at",
    "revoked_because",
)


def gather_tokens(user: User) -> Iterator[dict[str, Any]]:
    """All that there are and were, with what each may do."""
    for token in APIToken.objects.of(user).prefetch_related("projects").iterator(chunk_size=100):
        yield {name: getattr(token, name) for name in _SHOWN} | {"allows": describe_token(token)}
