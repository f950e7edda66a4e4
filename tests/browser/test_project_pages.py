"""Pages of projects with 0, 1 and 5,000 files: sound, wide and narrow, with and without script."""

from __future__ import annotations

import hashlib

import pytest
from playwright.sync_api import Page, expect

from projects.models import File, Project, Release, Role
from projects.names import canonical_version
from projects.operations import lifecycle, roles
from projects.operations.publishing import create_project, yank_release
from tests.browser.test_other_pages import open_session, visit
from tests.support.chromium import WIDTHS, OpenPage, usually
from tests.support.people import Person, make_person
from tests.support.server import Site

pytestmark = [pytest.mark.browser, pytest.mark.once]
LONG = "a_very_long_name_of_a_project_that_goes_on_and_on.for-phones"  # a line breaks at hyphens
INVITED = "carol_whose_user_name_is_as_long_as_it_can_be_here"
README = (
    "# One\n\n![the logo](https://img.example.org/logo.png) A *description* with [a link]"
    "(https://docs.example.org/).\n\n```console\n$ pip install one\n```\n\n"
    "- [x] a task that is done, and whose words go on and on until they need a second line\n"
    "- [ ] another\n  - [ ] a part of it\n- no task\n\n1. [x] first\n\n2. [ ] second\n\n"
    "| Option | Meaning |\n|:-:|--:|\n| `--fast` | quickly, and with a long explanation of why |\n"
)
METADATA = {
    "description": README,
    "description_content_type": "text/markdown",
    "license_expression": "Apache-2.0",
    "requires_dist": ["click>=8"],
    "classifiers": ["Typing :: Typed"],
    "project_urls": [["Documentation", "https://docs.example.org/"]],
}


def add_files(project: Project, release: Release, count: int) -> None:
    """Rows of wheels with names as long as they are in practice."""
    platform = "manylinux_2_17_x86_64.manylinux2014_x86_64"
    names = [
        f"{project.normalized_name.replace('-', '_')}-1.0-{number}_x-cp311-cp311-{platform}.whl"
        for number in range(count)
    ]
    digests = [hashlib.sha256(name.encode()).hexdigest() for name in names]
    File.objects.bulk_create(
        File(
            project=project,
            release=release,
            filename=name,
            kind="bdist_wheel",
            size=12_345_678,
            sha256=digest,
            blake2b_256=digest,
            md5="0" * 32,
            python_tag="cp311",
            uploaded_by_id="",
            uploaded_by="alice",
            token_name="release job",
            uploader_factor="app",
        )
        for name, digest in zip(names, digests, strict=True)
    )


def add_releases(project: Project, count: int) -> None:
    versions = [f"9.{number}" for number in range(count)]
    Release.objects.bulk_create(
        Release(project=project, version=one, canonical_version=canonical_version(one))
        for one in versions
    )


@pytest.fixture
def shelves(site: Site, alice: Person, bob: Person) -> Site:
    """Projects of all sizes and in all states; made once for the file."""
    if Project.objects.exists():
        return site
    create_project("none", by=alice.actor)
    one = create_project("one", by=alice.actor)
    release = Release.objects.create(
        project=one, version="1.0", canonical_version="1", summary="Short.", metadata=METADATA
    )
    add_files(one, release, 1)
    yanked = Release.objects.create(project=one, version="2.0", canonical_version="2")
    yank_release(yanked, by=alice.actor, reason="Loses letters that hold an umlaut")
    Role.objects.create(user=bob.user, project=one, kind="maintainer")
    roles.invite([one], make_person(INVITED).user, "owner", by=alice.actor)
    many = create_project(LONG, by=alice.actor)
    wide = Release.objects.create(project=many, version="99.0", canonical_version="99")
    add_files(many, wide, 5000)
    add_releases(many, 5000)
    for name, status in (("held", "quarantined"), ("done", "archived")):
        create_project(name, by=alice.actor)
        Project.objects.filter(name=name).update(status=status)
    lifecycle.delete_project(create_project("gone", by=alice.actor), by=alice.actor)
    return site


PUBLIC = [
    "/",
    "/search/?q=one",
    "/search/?q=onne",
    "/project/none/",
    "/project/one/",
    "/project/one/2.0/",
    "/project/{long}/",
    "/project/{long}/releases/",
    "/project/held/",
    "/project/done/",
    "/project/gone/",
    "/project/nothing/",
    "/user/alice/",
    "/classifiers/",
]
MANAGED = [
    "/manage/projects/",
    "/manage/projects/invite/",
    "/manage/project/none/",
    "/manage/project/one/",
    "/manage/project/one/release/1.0/",
    "/manage/project/one/release/2.0/",
    "/manage/project/{long}/",
    "/manage/project/{long}/release/99.0/",
    "/manage/project/held/",
    "/manage/project/one/people/",
    "/manage/project/one/people/invite/",
    "/manage/project/one/people/bob/role/",
    "/manage/project/one/people/bob/remove/",
    "/manage/project/one/history/?kind=project:role:",
    "/manage/project/one/settings/",
    "/manage/project/one/release/1.0/yank/",
    "/manage/project/one/release/2.0/unyank/",
    "/manage/project/one/transfer/",
    "/manage/project/one/archive/",
    "/manage/project/one/delete/",
]


# Those that look most unlike on a phone; axe takes a second for each page
UNLIKE = [
    "/",
    "/project/one/",
    "/project/{long}/",
    "/manage/projects/",
    "/manage/project/{long}/release/99.0/",
    "/manage/project/one/people/",
]
ADDRESS = LONG.lower().replace("_", "-").replace(".", "-")


@usually(
    ("desktop", True, UNLIKE),
    ("phone", False, PUBLIC + MANAGED),
    names="width,javascript,paths",
    others=[
        ("desktop", True, PUBLIC + MANAGED),
        ("desktop", False, PUBLIC + MANAGED),
        ("phone", True, UNLIKE),
    ],
)
def test_every_page_is_sound(
    shelves: Site,
    open_page: OpenPage,
    alice: Person,
    width: str,
    javascript: bool,
    paths: list[str],
) -> None:
    page = open_page(width=WIDTHS[width], javascript=javascript)
    open_session(page, shelves, alice)
    for path in paths:
        visit(page, shelves, path.format(long=ADDRESS))


@usually(WIDTHS["phone"], names="width", others=[WIDTHS["desktop"]])
def test_the_invited_see_what_they_are_offered(
    shelves: Site, open_page: OpenPage, width: int
) -> None:
    page = open_page(width=width)
    open_session(page, shelves, make_person(INVITED))
    visit(page, shelves, "/manage/projects/")
    page.get_by_role("link", name="Answer").click()
    expect(page.locator("main")).to_contain_text("one as owner, invited by alice")
    visit(page, shelves, "/manage/invitations/")


def test_a_release_is_yanked_on_a_phone_without_javascript(
    shelves: Site, open_page: OpenPage, alice: Person
) -> None:
    page = open_page(width=WIDTHS["phone"], javascript=False)
    open_session(page, shelves, alice)
    page.goto(f"{shelves.url}/manage/projects/?q=one")
    go(page, "one")
    go(page, "1.0")
    go(page, "Yank this version")
    page.get_by_label("Reason").fill("broken")
    with page.expect_navigation():
        page.get_by_role("button", name="Yank this version").click()
    expect(page.locator("main")).to_contain_text("Version 1.0 was yanked.")
    go(page, "Take back the yank")
    page.get_by_label("Reason").fill("mended")
    with page.expect_navigation():
        page.get_by_role("button", name="Take back the yank").click()
    expect(page.locator("main")).to_contain_text("no longer yanked")


def go(page: Page, name: str) -> None:
    """Follow a link."""
    with page.expect_navigation():
        page.get_by_role("link", name=name, exact=True).first.click()
