"""Addresses that no mail can be sent to, in each form that takes one."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from tests.accounts.doors import text_of_page
from tests.accounts.test_registration import REGISTER, Browser, fields
from tests.support.people import Person

LONG_IN_LOWER_CASE = "u" * 20 + "@" + "\u0130" * 40 + ".".join(["", *["a" * 60] * 3]) + ".com"


@pytest.mark.parametrize(
    ("email", "sentence"),
    [
        (LONG_IN_LOWER_CASE, "at most 254 characters"),
        ('"a\x0bBcc:v"@example.com', "no control characters"),
        ('"a,b"@example.com', "quotation marks"),
        ("root@[192.0.2.1]", "ends with a domain"),
        ("root@[2001:db8::1]", "ends with a domain"),
    ],
)
def test_an_address_that_cannot_be_mailed_is_refused_in_words(
    browser: Browser, settings: Any, sam: Person, alice: Person, email: str, sentence: str
) -> None:
    settings.REGISTRATION = "open"
    assert len(email) <= 254
    assert sentence in text_of_page(browser().post(REGISTER, fields(email=email)))
    assert not User.objects.filter(username="zoe").exists()
    page = browser(alice).post("/account/addresses/add/", {"email": email})
    assert sentence in text_of_page(page)
