"""What a person takes along of API tokens."""

from __future__ import annotations

import json

from accounts.data import stream
from tests.support.people import Person
from tests.support.uploading import upload
from tests.tokens.keys import make, secret_parts
from tokens.models import APIToken
from tokens.operations.lifecycle import revoke_token


def test_tokens_are_taken_along_without_what_signs_them(alice: Person, bob: Person) -> None:
    token, text = make(alice, "release job")
    make(bob, "bob's job")
    upload(text, "foo")
    revoke_token(token, reason="old", by=alice.actor)
    content = "".join(stream(alice.fresh_user))
    (row,) = json.loads(content)["api_tokens"]
    assert (row["name"], row["revoked_because"]) == ("release job", "old")
    assert row["last_used_file"] == "foo-1.0-py3-none-any.whl"
    assert row["allows"].startswith("Create new projects, and upload new releases")
    assert APIToken.objects.get(pk=token.pk).root_key not in content
    for part in secret_parts(text):
        assert part not in content
