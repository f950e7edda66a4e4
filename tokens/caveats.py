"""What the restrictions in a token mean: each is read, written and asked "why not?" here. Pure.

The wire form is PyPI's: a compact JSON array of a tag number and its values. Tags 0 to 3 are
PyPI's own, byte for byte, so that its tools can read, check and attenuate our tokens; tags from
1000 on are ours. A tag number is never used twice. docs/token-format.md has the whole format.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import ClassVar, Final
from uuid import UUID

from projects.names import MAX_NAME, is_normalized, normalize, shown

logger = logging.getLogger(__name__)
ACTIONS: Final = ("upload", "create", "yank")
"""Everything that a token can be asked to do."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_PHRASES: Final = {"upload": "upload", "create": "create projects", "yank": "yank"}
_PREFIX: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*-?\Z")
_SEPARATORS: Final = re.compile(r"[-_.]+")
_END_OF_TIME: Final = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())
_MAX_USER_ID: Final = 100
_LISTED: Final = 3


@dataclass(frozen=True)
class Context:
    """What a token is being used for."""

    now: int
    """Unix time in seconds."""
    user_id: str | None
    project_name: str | None
    """Normalized name; None where no project is asked for."""
    project_id: str | None
    """UUID text; None where no project is asked for or it does not exist yet."""
    action: str
    """One of ACTIONS."""
    network_address: str | None
    """Where the request comes from; None where that is not known."""


@dataclass(frozen=True)
class Expiration:
    """Valid from `not_before` until before `expires_at`, both in Unix seconds."""

    expires_at: int
    not_before: int
    tag: ClassVar[int] = 0

    def __post_init__(self) -> None:
        for seconds in (self.expires_at, self.not_before):
            if type(seconds) is not int:  # True is an instance of int
                raise ValueError("an expiry must hold two whole numbers of seconds")
            if not 0 <= seconds <= _END_OF_TIME:
                raise ValueError("an expiry must lie between the years 1970 and 9999")

    def reason_against(self, context: Context) -> str | None:
        """Return why the token is no use at this time, or None."""
        if context.now >= self.expires_at:
            return f"this token expired at {as_time(self.expires_at)}"
        if context.now < self.not_before:
            return f"this token is not valid before {as_time(self.not_before)}"
        return None


@dataclass(frozen=True)
class ProjectName:
    """Only for the projects with these normalized names, whether they exist yet or not."""

    names: tuple[str, ...]
    tag: ClassVar[int] = 1

    def __post_init__(self) -> None:
        _require_texts(self.names, "project name")
        for name in self.names:
            if not is_normalized(name):
                raise ValueError(f"{shown(name)} is not a normalized project name")

    def reason_against(self, context: Context) -> str | None:
        """Return why the token is no use for this project, or None."""
        if context.project_name in self.names:
            return None
        allowed = _listed(self.names)
        return f"this token is only for {_projects(self.names)} {allowed}, {_asked_for(context)}"


@dataclass(frozen=True)
class ProjectID:
    """Only for the projects with these ids: a project deleted and made anew is another one."""

    ids: tuple[str, ...]
    tag: ClassVar[int] = 2

    def __post_init__(self) -> None:
        _require_texts(self.ids, "project id")
        for text in self.ids:
            if not _is_canonical_uuid(text):
                raise ValueError(f"{shown(text)} is not a project id (a lower-case UUID)")

    def reason_against(self, context: Context) -> str | None:
        """Return why the token is no use for this project, or None."""
        if context.project_id in self.ids:
            return None
        if context.project_name is None:
            return "this token is only for certain projects, and no project was asked for"
        return (
            f"this token was made for another project than today's {shown(context.project_name)}, "
            "even if it had the same name"
        )


@dataclass(frozen=True)
class RequestUser:
    """Only in the name of this user."""

    user_id: str
    tag: ClassVar[int] = 3

    def __post_init__(self) -> None:
        if type(self.user_id) is not str or not 0 < len(self.user_id) <= _MAX_USER_ID:
            raise ValueError("a user restriction must hold one user id")

    def reason_against(self, context: Context) -> str | None:
        """Return why the token is no use to this user, or None."""
        if context.user_id == self.user_id:
            return None
        return "this token is only for the user that it was made for"


@dataclass(frozen=True)
class Actions:
    """Only for these of ACTIONS."""

    allowed: tuple[str, ...]
    tag: ClassVar[int] = 1000

    def __post_init__(self) -> None:
        _require_texts(self.allowed, "action")
        for action in self.allowed:
            if action not in ACTIONS:
                raise ValueError(f"{shown(action)} is not an action; {', '.join(ACTIONS)} are")

    def reason_against(self, context: Context) -> str | None:
        """Return why the token is no use for this action, or None."""
        if context.action in self.allowed:
            return None
        allowed = " and ".join(_PHRASES[action] for action in self.allowed)
        asked = _PHRASES.get(context.action, shown(context.action))
        return f"this token may {allowed}, not {asked}"


@dataclass(frozen=True)
class ProjectPatterns:
    """Only for projects with these normalized names; a star at the end stands for any ending."""

    patterns: tuple[str, ...]
    tag: ClassVar[int] = 1001

    def __post_init__(self) -> None:
        _require_texts(self.patterns, "name pattern")
        for pattern in self.patterns:
            if not is_pattern(pattern):
                raise ValueError(
                    f"{shown(pattern)} is neither a normalized project name nor the beginning of "
                    "one with a star at its end"
                )

    def reason_against(self, context: Context) -> str | None:
        """Return why the token is no use for this project, or None."""
        name = context.project_name
        if name is not None and any(matches(pattern, name) for pattern in self.patterns):
            return None
        allowed = f"projects named {_listed(self.patterns)}"
        return f"this token is only for {allowed}, {_asked_for(context)}"


@dataclass(frozen=True)
class Networks:
    """Only from these networks, in CIDR form."""

    ranges: tuple[str, ...]
    tag: ClassVar[int] = 1002

    def __post_init__(self) -> None:
        _require_texts(self.ranges, "network")
        for text in self.ranges:
            if not _is_canonical_network(text):
                raise ValueError(f"{shown(text)} is not a network in CIDR form, as 192.0.2.0/24 is")

    def reason_against(self, context: Context) -> str | None:
        """Return why the token is no use from there, or None."""
        address = _as_address(context.network_address)
        if address is not None and any(
            address in ipaddress.ip_network(text) for text in self.ranges
        ):
            return None
        came_from = "from an unknown address" if address is None else f"from {address}"
        some = ", ".join(self.ranges[:_LISTED]) + _and_more(self.ranges)
        return f"this token may be used from {some} only, and you came {came_from}"


Caveat = Expiration | ProjectName | ProjectID | RequestUser | Actions | ProjectPatterns | Networks


def is_pattern(text: str) -> bool:
    """Tell whether this is a normalized project name, or the beginning of one with a star."""
    if not text.endswith("*"):
        return is_normalized(text)
    return len(text) <= MAX_NAME and _PREFIX.match(text[:-1]) is not None


def normalize_pattern(text: str) -> str:
    """A name or pattern as it is compared; only one that `is_pattern` takes stands for anything."""
    return _SEPARATORS.sub("-", text.lower()) if text.endswith("*") else normalize(text)


def matches(pattern: str, name: str) -> bool:
    """Tell whether a name is one that the pattern stands for."""
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


@lru_cache(maxsize=256)
def load(text: str) -> Caveat:
    """Read one caveat, refusing whatever is not exactly understood.

    Stricter than PyPI in three ways, each of which could otherwise allow more than the writer
    meant: values after the known ones are refused (PyPI ignores them), and so are the older forms
    written as JSON objects and lists with repeats or without entries.

    Remembered, because each use reads most of its caveats four times: they stand in the token and
    beside it, and are asked before the body is read and after.

    Raises:
        ValueError: with the reason, in a sentence.
    """
    values = _load_array(text)
    tag = values[0]
    if type(tag) is not int:  # True would pass for 1
        raise ValueError("a restriction must start with a tag number")
    if tag == Expiration.tag:
        return Expiration(*_integers(values, 2))
    if tag == ProjectName.tag:
        return ProjectName(_texts(values))
    if tag == ProjectID.tag:
        return ProjectID(_texts(values))
    if tag == RequestUser.tag:
        _require_count(values, 1)
        user_id = values[1]
        if not isinstance(user_id, str):
            raise ValueError("a user restriction must hold one user id")
        return RequestUser(user_id)
    if tag == Actions.tag:
        return Actions(_texts(values))
    if tag == ProjectPatterns.tag:
        return ProjectPatterns(_texts(values))
    if tag == Networks.tag:
        return Networks(_texts(values))
    raise ValueError(f"the restriction has the unknown tag {shown(str(tag)).strip(chr(39))}")


def dump(caveat: Caveat) -> str:
    """Write one caveat; those of PyPI byte for byte as it would."""
    match caveat:
        case Expiration():
            values: list[object] = [caveat.expires_at, caveat.not_before]
        case ProjectName():
            values = [caveat.names]
        case ProjectID():
            values = [caveat.ids]
        case RequestUser():
            values = [caveat.user_id]
        case Actions():
            values = [caveat.allowed]
        case ProjectPatterns():
            values = [caveat.patterns]
        case Networks():
            values = [caveat.ranges]
    return json.dumps([caveat.tag, *values], separators=(",", ":"))


def reasons_against(texts: Iterable[str], context: Context) -> list[str]:
    """Return every reason why caveats forbid a use, each once, in order; [] means allowed.

    A caveat that is not understood forbids everything. Of a project that neither name nor id allow,
    the name alone is spoken of. Never raises.

    Args:
        texts: the caveats of the token and those kept with its row.
        context: what the token is being used for.
    """
    reasons: dict[str, int] = {}
    for text in texts:
        try:
            caveat = load(text)
            reason, tag = caveat.reason_against(context), caveat.tag
        except ValueError as error:
            reason, tag = f"this token has a restriction that is not understood: {error}", -1
        except Exception:  # a mistake of ours lets nobody in, and nobody is told more of it
            logger.exception("A restriction of an API token could not be checked.")
            reason, tag = "this token has a restriction that could not be checked", -1
        if reason is not None:
            reasons.setdefault(reason, tag)
    if ProjectName.tag in reasons.values():
        return [reason for reason, tag in reasons.items() if tag != ProjectID.tag]
    return list(reasons)


def _load_array(text: str) -> list[object]:
    if not isinstance(text, str):
        raise ValueError("a restriction must be text")
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ValueError("the restriction is not valid JSON") from error
    if not isinstance(value, list):
        raise ValueError("a restriction must be a JSON array")
    if not value:
        raise ValueError("a restriction must not be an empty array")
    return value


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _require_count(values: list[object], count: int) -> None:
    if len(values) != count + 1:
        raise ValueError(
            f"a restriction with tag {values[0]} must hold {count} more "
            f"value{'s' if count > 1 else ''}, not {len(values) - 1}"
        )


def _integers(values: list[object], count: int) -> list[int]:
    _require_count(values, count)
    integers = [value for value in values[1:] if type(value) is int]
    if len(integers) != count:
        raise ValueError("an expiry must hold two whole numbers of seconds")
    return integers


def _texts(values: list[object]) -> tuple[str, ...]:
    _require_count(values, 1)
    entries = values[1]
    if not isinstance(entries, list):
        raise ValueError(f"a restriction with tag {values[0]} must hold a list")
    texts = [entry for entry in entries if isinstance(entry, str)]
    if len(texts) != len(entries):
        raise ValueError(f"a restriction with tag {values[0]} must hold a list of strings")
    return tuple(texts)


def _require_texts(texts: tuple[str, ...], what: str) -> None:
    if type(texts) is not tuple or not all(type(text) is str for text in texts):
        raise ValueError(f"the restriction must hold {what}s as strings")
    if not texts:
        raise ValueError(f"the restriction holds no {what}")
    if len(set(texts)) != len(texts):
        raise ValueError(f"the restriction repeats a {what}")


def _is_canonical_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _is_canonical_network(text: str) -> bool:
    try:  # a zone, of any characters whatever, is a matter of one machine
        return "%" not in text and str(ipaddress.ip_network(text)) == text
    except ValueError:
        return False


def _as_address(text: str | None) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text or "")
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def as_time(seconds: int) -> str:
    """Return a Unix time as refusals write it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _projects(entries: tuple[str, ...]) -> str:
    return "project" if len(entries) == 1 else "projects"


def _listed(entries: tuple[str, ...]) -> str:
    return ", ".join(shown(entry) for entry in entries[:_LISTED]) + _and_more(entries)


def _and_more(entries: tuple[str, ...]) -> str:
    more = len(entries) - _LISTED
    return f" and {more} more" if more > 0 else ""


def _asked_for(context: Context) -> str:
    if context.project_name is None:
        return "and no project was asked for"
    return f"not {shown(context.project_name)}"
