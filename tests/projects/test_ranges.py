"""Range headers, read as RFC 9110, 14.1.2 says."""

from __future__ import annotations

import pytest

from projects import ranges


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("bytes=0-0", (0, 0)),
        ("bytes=0-499", (0, 499)),
        ("bytes=500-", (500, 999)),
        ("bytes=-1", (999, 999)),
        ("bytes=-500", (500, 999)),
        ("bytes=-5000", (0, 999)),
        ("bytes=990-5000", (990, 999)),
        ("", None),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=5-4", None),
        ("bytes=0-1,5-6", None),
        ("bytes=a-b", None),
        ("items=0-5", None),
        ("bytes=0-1 junk", None),
        ("bytes=\u0661-\u0662", None),
    ],
)
def test_a_range_of_1000_bytes(header: str, span: tuple[int, int] | None) -> None:
    assert ranges.wanted(header, 1000) == span


@pytest.mark.parametrize("header", ["bytes=1000-", "bytes=5000-6000", "bytes=-0"])
def test_a_range_outside_of_the_content_is_refused(header: str) -> None:
    with pytest.raises(ranges.Unsatisfiable):
        ranges.wanted(header, 1000)
