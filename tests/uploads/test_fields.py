"""What single fields of metadata must be like, with and without the rules of a public index."""

from __future__ import annotations

import pytest

from projects.names import parse_filename
from uploads import metadata
from uploads.fields import PublicRules, field_problems, platform_problems

pytestmark = pytest.mark.once

OURS = PublicRules()
PUBLIC = PublicRules(True, True, True, True)


def problems(extra: str, *, version: str = "1.0", rules: PublicRules = OURS) -> list[str]:
    """The codes of what is wrong with metadata that has some further lines."""
    text = f"Metadata-Version: 2.4\nName: foo\nVersion: {version}\n{extra}\n"
    found = list(field_problems(metadata.read(text.encode(), where="PKG-INFO"), rules))
    for problem in found:
        assert problem.text.isascii()
        assert problem.text.isprintable()
    return [problem.code for problem in found]


@pytest.mark.parametrize(
    "extra",
    [
        "",
        f"Summary: {'x' * 512}",
        "Author-Email: Zoë <zoe@example.org>",
        "Author-Email: root@localhost",
        "Author-Email: team@corp.local",
        "Author-Email: Foo <>",
        "Author-Email: a@example.org, b@example.org",
        "Maintainer-Email: max+x@example.org",
        "Classifier: Programming Language :: Python :: 3",
        "Home-Page: https://example.org/a?b=c#d",
        "Home-Page: HTTP://example.org",
        "Home-Page: https://zh.wikipedia.org/wiki/维基百科",
        "Home-Page: https://bücher.example/{title}",
        "Home-Page: UNKNOWN\nPlatform: UNKNOWN\nAuthor-Email: UNKNOWN\nDownload-URL: UNKNOWN",
        "Download-URL: http://example.org:8000/%20",
        f"Project-URL: {'x' * 32}, https://example.org",
        "Provides-Dist: foo-virtual",
        "Provides-Dist: foo-virtual (==1.0)",
        "Obsoletes-Dist: foo-old; python_version < '3'",
        "Requires-External: libpng (>=1.5)",
        "License: MIT",
        "License-Expression: MIT",
    ],
)
def test_good_fields_are_fine_by_all_rules(extra: str) -> None:
    assert problems(extra) == problems(extra, rules=PUBLIC) == []


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        (f"Summary: {'x' * 513}", "summary"),
        ("Author-Email: not an address", "email"),
        ("Author-Email: Foo <foo>", "email"),
        ("Maintainer-Email: foo@bar..org", "email"),
        ("Classifier: Nonsense :: Python", "classifier"),
        ("Classifier: programming language :: python", "classifier"),
        ("Classifier: Natural Language :: Ukranian", "deprecated_classifier"),
        ("Home-Page: irc://example.org/", "url"),
        ("Home-Page: example.org", "url"),
        ("Home-Page: javascript:alert(1)", "url"),
        ("Home-Page: https://example.org/a b", "url"),
        ("Home-Page: https://[example.org/", "url"),
        ("Home-Page: https://example.org/a\u202eb", "url"),
        (f"Project-URL: {'x' * 33}, https://example.org", "project_url"),
        ("Project-URL: , https://example.org", "project_url"),
        ("Project-URL: Home,", "project_url"),
        ("Project-URL: Home, ftp://example.org", "project_url"),
        ("Provides-Dist: foo @ https://example.org/foo.whl", "requirement"),
        ("Obsoletes-Dist: not a requirement", "requirement"),
        (f"Provides-Dist: foo; {'(' * 5000}", "requirement"),
        (f"Author-Email: {'(' * 5000}", "email"),
        (f"Maintainer-Email: {'a' * 1_000_000}@example.org", "email"),
        ("License: MIT\nLicense-Expression: MIT", "license"),
    ],
)
def test_bad_fields_are_refused_by_all_rules(extra: str, code: str) -> None:
    assert problems(extra) == problems(extra, rules=PUBLIC) == [code]


@pytest.mark.parametrize(
    ("extra", "version", "rules", "code"),
    [
        ("", "1.0+local", PublicRules(local_versions=True), "local_version"),
        (
            "Classifier: Private :: Do Not Upload",
            "1.0",
            PublicRules(private_classifiers=True),
            "private_classifier",
        ),
        (
            "Requires-Dist: foo @ https://example.org/foo.whl",
            "1.0",
            PublicRules(direct_urls=True),
            "direct_url",
        ),
    ],
)
def test_what_only_a_public_index_refuses_is_refused_by_its_rule_alone(
    extra: str, version: str, rules: PublicRules, code: str
) -> None:
    assert problems(extra, version=version) == []
    assert problems(extra, version=version, rules=rules) == [code]
    others = PublicRules(
        not rules.local_versions,
        not rules.private_classifiers,
        not rules.direct_urls,
        True,
    )
    assert problems(extra, version=version, rules=others) == []


# As PyPI takes and refuses them
TAKEN = """
any win32 WIN32 win_amd64 win_arm64 manylinux1_i686 manylinux2010_x86_64 manylinux2014_aarch64
manylinux2014_ppc64 manylinux_2_17_x86_64.manylinux2014_x86_64 manylinux_2_39_riscv64
musllinux_1_1_x86_64 musllinux_1_2_riscv64 linux_armv6l linux_armv7l macosx_10_9_x86_64
macosx_11_0_arm64 macosx_26_0_universal2
macosx_10_6_intel.macosx_10_9_intel.macosx_10_9_x86_64.macosx_10_10_intel.macosx_10_10_x86_64
ios_13_0_arm64_iphoneos ios_15_4_x86_64_iphonesimulator
android_27_arm64_v8a pyemscripten_2026_0_wasm32
""".split()  # noqa: SIM905
REFUSED = """
linux_x86_64 linux_x86_64.win32 macosx_9_2_x86_64 macosx_11_2_arm64 macosx_16_2_arm64
macosx_27_0_arm64 macosx_10_15_amd64 musllinux_1_1_ppc64 ios_13_0_arm64_iphoneosx
pyemscripten_2026_0_wasm32x manylinux_2_x86_64 win_mips anyx
""".split()  # noqa: SIM905


@pytest.mark.parametrize("tag", TAKEN)
def test_platforms_that_every_installer_knows_are_taken(tag: str) -> None:
    assert not list(platform_problems(parse_filename(f"foo-1.0-py3-none-{tag}.whl"), PUBLIC))


@pytest.mark.parametrize("tag", REFUSED)
def test_other_platforms_are_refused_by_their_rule_alone(tag: str) -> None:
    parsed = parse_filename(f"foo-1.0-py3-none-{tag}.whl")
    (problem,) = platform_problems(parsed, PublicRules(platforms=True))
    assert problem.code == "platform"
    assert not list(platform_problems(parsed, PublicRules(True, True, True, False)))


def test_an_sdist_has_no_platform() -> None:
    assert not list(platform_problems(parse_filename("foo-1.0.tar.gz"), PUBLIC))
