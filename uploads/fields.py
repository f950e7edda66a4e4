"""What the single fields of core metadata must be like, beyond their grammar. Pure.

The rules are those by which PyPI takes uploads. Those that it needs only because everybody may
upload to it and anybody install from it are switched by `PublicRules`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Final
from urllib.parse import urlsplit

import email_validator
from email_validator import EmailNotValidError, validate_email
from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import Version
from trove_classifiers import classifiers, deprecated_classifiers

from projects.names import ParsedFilename, shown
from uploads.metadata import CoreMetadata
from uploads.problems import Problem, named

# An organization may well have mail addresses in a domain such as corp.local.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()

MAX_SUMMARY: Final = 512
MAX_URL_LABEL: Final = 32
MAX_ADDRESSES: Final = 10_000
"""So much of a field with mail addresses is read, in characters: reading takes long."""
_PRIVATE: Final = "Private :: "
# As RFC 3986 has them, and those that browsers and PyPI encode: letters of any script, and {}|^.
_URL: Final = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%{}|^\u00a1-\U0010ffff]+\Z")
_WEB: Final = frozenset({"http", "https"})

_ANY = r"(any|win32|win_(arm64|amd64|ia64))"
_LINUX = r"(manylinux1_(x86_64|i686)|manylinux2010_(x86_64|i686)|linux_armv[67]l"
_LINUX += r"|manylinux2014_(x86_64|i686|aarch64|armv7l|ppc64|ppc64le|s390x)"
_LINUX += r"|manylinux_\d+_\d+_(x86_64|i686|aarch64|armv7l|ppc64|ppc64le|s390x|riscv64)"
_LINUX += r"|musllinux_\d+_\d+_(x86_64|i686|aarch64|armv7l|ppc64le|s390x|riscv64))"
_MAC = r"macosx_(10_\d+|(11|12|13|14|15|26)_0)"
_MAC += r"_(ppc|ppc64|i386|x86_64|arm64|intel|fat|fat3|fat64|universal|universal2)"
_OTHER = r"(ios_\d+_\d+_(arm64|x86_64)_(iphoneos|iphonesimulator)"
_OTHER += r"|android_\d+_(armeabi_v7a|arm64_v8a|x86|x86_64)|pyemscripten_\d+_\d+_wasm32)"
_PUBLIC_PLATFORM: Final = re.compile(f"({_ANY}|{_LINUX}|{_MAC}|{_OTHER})", re.ASCII)


@dataclass(frozen=True)
class PublicRules:
    """Which of the rules of a public index hold.

    Attributes:
        local_versions: versions such as 1.0+local are refused.
        private_classifiers: so are classifiers that begin with "Private ::".
        direct_urls: so are requirements with an address, such as foo @ https://….
        platforms: so are wheels for platforms that not everybody's installer knows.
    """

    local_versions: bool = False
    private_classifiers: bool = False
    direct_urls: bool = False
    platforms: bool = False


def field_problems(core: CoreMetadata, rules: PublicRules) -> Iterator[Problem]:
    """Everything that is wrong with the fields of some metadata."""
    yield from _version(core, rules)
    yield from _summary(core)
    yield from _addresses(core)
    yield from _classifiers(core, rules)
    yield from _urls(core)
    yield from _project_urls(core)
    yield from _requirements(core, rules)
    yield from _license(core)


def platform_problems(parsed: ParsedFilename, rules: PublicRules) -> Iterator[Problem]:
    """Whether each platform that a wheel's name stands for is one that a public index takes."""
    if not rules.platforms or parsed.kind != "bdist_wheel":
        return
    tags = parsed.filename.removesuffix(".whl").rpartition("-")[2].lower().split(".")
    unusual = [tag for tag in tags if not _PUBLIC_PLATFORM.fullmatch(tag)]
    if unusual:
        yield Problem(
            "platform",
            f"wheels for the platform {named(unusual)} are not accepted here; a manylinux or "
            "musllinux platform is, for example",
        )


def _version(core: CoreMetadata, rules: PublicRules) -> Iterator[Problem]:
    if rules.local_versions and Version(core.version).local:
        yield Problem(
            "local_version",
            f"the version {shown(core.version)} is a local one (with a '+'), which is not accepted "
            "here",
        )


def _summary(core: CoreMetadata) -> Iterator[Problem]:
    if len(core.summary or "") > MAX_SUMMARY:
        yield Problem("summary", f"the summary is longer than {MAX_SUMMARY} characters")


def _addresses(core: CoreMetadata) -> Iterator[Problem]:
    for field, value in [
        ("Author-Email", core.author_email),
        ("Maintainer-Email", core.maintainer_email),
    ]:
        # Only the first one is looked at, as on PyPI, and it stands near the beginning.
        beginning = (value or "")[:MAX_ADDRESSES]
        try:
            address = parseaddr(beginning)[1]
            if address:
                validate_email(address, check_deliverability=False, globally_deliverable=False)
        except EmailNotValidError:
            yield Problem("email", f"{field} has {shown(address)}, which is not a mail address")
        except RecursionError:  # comments within comments
            yield Problem("email", f"{field} has {shown(beginning)}, which cannot be read")


def _classifiers(core: CoreMetadata, rules: PublicRules) -> Iterator[Problem]:
    unknown = {
        one for one in core.classifiers if one not in classifiers and not one.startswith(_PRIVATE)
    } - deprecated_classifiers.keys()
    if unknown:
        yield Problem("classifier", f"the classifier {named(unknown)} does not exist")
    private = {one for one in core.classifiers if one.startswith(_PRIVATE)}
    if private and rules.private_classifiers:
        yield Problem("private_classifier", f"the classifier {named(private)} is not accepted here")
    for one in core.classifiers:
        if one in deprecated_classifiers:
            others = [shown(other) for other in deprecated_classifiers[one]]
            instead = f"; use {' or '.join(others)}" if others else ""
            yield Problem(
                "deprecated_classifier", f"the classifier {shown(one)} is deprecated{instead}"
            )


def _urls(core: CoreMetadata) -> Iterator[Problem]:
    for field, value in [("Home-Page", core.home_page), ("Download-URL", core.download_url)]:
        if value and not _is_web_address(value):
            yield Problem("url", f"{field} {shown(value)} is not an http or https address")


def _project_urls(core: CoreMetadata) -> Iterator[Problem]:
    for label, url in core.project_urls:
        if not label or len(label) > MAX_URL_LABEL:
            yield Problem(
                "project_url",
                f"the label {shown(label)} of a Project-URL must have 1 to {MAX_URL_LABEL} "
                "characters",
            )
        if not url or not _is_web_address(url):
            yield Problem(
                "project_url",
                f"the Project-URL {shown(label)} is not an http or https address: {shown(url)}",
            )


def _requirements(core: CoreMetadata, rules: PublicRules) -> Iterator[Problem]:
    if rules.direct_urls:
        direct = {one for one in core.requires_dist if Requirement(one).url}
        if direct:
            yield Problem(
                "direct_url",
                f"the requirement {named(direct)} has an address, which is not accepted here",
            )
    for field, values in [
        ("Provides-Dist", core.provides_dist),
        ("Obsoletes-Dist", core.obsoletes_dist),
    ]:
        wrong = {one for one in values if not _is_plain_requirement(one)}
        if wrong:
            yield Problem("requirement", f"{field} has {named(wrong)}, which is not valid")


def _is_plain_requirement(text: str) -> bool:
    try:
        return not Requirement(text).url
    except (InvalidRequirement, RecursionError):  # the latter for parentheses within parentheses
        return False


def _license(core: CoreMetadata) -> Iterator[Problem]:
    if core.license and core.license_expression:
        yield Problem(
            "license", "License must not stand beside License-Expression; remove the former"
        )


def _is_web_address(text: str) -> bool:
    try:
        return bool(_URL.match(text)) and text.isprintable() and urlsplit(text).scheme in _WEB
    except ValueError:
        return False
