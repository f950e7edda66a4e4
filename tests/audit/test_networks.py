from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.networks import address_key, find_range

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("192.0.2.7", "192.0.2.7", "192.0.2.7"),
        (" 192.0.2.0/24 ", "192.0.2.0", "192.0.2.255"),
        ("192.0.2.9/24", "192.0.2.0", "192.0.2.255"),
        ("192.0.2.", "192.0.2.0", "192.0.2.255"),
        ("10.1.", "10.1.0.0", "10.1.255.255"),
        ("10.", "10.0.0.0", "10.255.255.255"),
        ("2001:db8::/32", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("::ffff:192.0.2.7", "192.0.2.7", "192.0.2.7"),
    ],
)
def test_a_text_names_a_range(text: str, first: str, last: str) -> None:
    assert find_range(text) == (address_key(first), address_key(last))


@pytest.mark.parametrize(
    "text", ["", "alice", "1.2.3.4.", ".", "300.1.", "192.0.2.0/33", "10", "x/8"]
)
def test_other_texts_name_none(text: str) -> None:
    assert find_range(text) is None


@pytest.mark.parametrize("text", ["", "unknown", "192.0.2", "/24"])
def test_what_is_no_address_has_no_key(text: str) -> None:
    assert address_key(text) == ""


def test_a_range_that_failures_are_counted_by_has_the_key_of_its_first_address() -> None:
    assert address_key("192.0.2.0/24") == address_key("192.0.2.0")


@given(st.ip_addresses(), st.ip_addresses(v=4), st.integers(0, 32))
def test_keys_sort_as_addresses_do(
    some: ipaddress.IPv6Address, address: ipaddress.IPv4Address, length: int
) -> None:
    network = ipaddress.ip_network(f"{address}/{length}", strict=False)
    first, last = find_range(str(network)) or ("", "")
    is_inside = some.version == 4 and some in network
    assert (first <= address_key(str(some)) <= last) is is_inside or some.version == 6
