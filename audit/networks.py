"""Network addresses in a form that can be compared: 32 hexadecimal digits. Pure."""

from __future__ import annotations

import ipaddress

_MAPPED = 0xFFFF << 32  # where IPv4 lies inside IPv6 (RFC 4291, 2.5.5.2)


def address_key(network_address: str) -> str:
    """The address as 32 digits that sort as addresses do; "" for what is none.

    Of a range, which repeated failures are counted by, its first address.
    """
    first = network_address.partition("/")[0]
    try:
        address = ipaddress.ip_address(first.partition("%")[0])
    except ValueError:
        return ""
    return _digits(int(address), is_v4=address.version == 4)


def find_range(text: str) -> tuple[str, str] | None:
    """The first and last key of what a text names, None if it names no range.

    Args:
        text: an address, a range as in 192.0.2.0/24, or the beginning of an IPv4 address as in
            192.0.2.
    """
    try:
        network = ipaddress.ip_network(_completed(text.strip()), strict=False)
    except ValueError:
        return None
    is_v4 = network.version == 4
    return (
        _digits(int(network.network_address), is_v4=is_v4),
        _digits(int(network.broadcast_address), is_v4=is_v4),
    )


def _digits(number: int, *, is_v4: bool) -> str:
    return f"{number + _MAPPED if is_v4 else number:032x}"


def _completed(text: str) -> str:
    """`192.0.2.` as `192.0.2.0/24`; anything else as it is."""
    parts = text.split(".")
    if not text.endswith(".") or not 2 <= len(parts) <= 4:
        return text
    return ".".join([*parts[:-1], *["0"] * (5 - len(parts))]) + f"/{8 * (len(parts) - 1)}"
