"""A real Chromium, headless, from Debian's package."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from weakref import WeakSet

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

WIDTHS = {"desktop": 1280, "phone": 390}  # CSS pixels


def usually(*cases: Any, names: str, others: Iterable[Any]) -> pytest.MarkDecorator:
    """Run a test with `cases` each time, and with `others` in the long run alone.

    Args:
        cases: each a value, or a tuple of values, of the parameters.
        names: the names of the parameters, with commas between them.
        others: more of the same.
    """
    rows = [one if isinstance(one, tuple) else (one,) for one in others]
    long = [pytest.param(*row, marks=pytest.mark.long) for row in rows]
    return pytest.mark.parametrize(names, [*cases, *long])


def in_turns(name: str, *usual: str) -> pytest.MarkDecorator:
    """Both widths, each in one of two ways; all other pairs are left to the long run.

    Args:
        name: the parameter that says in which way.
        usual: the widths that each run looks at, where that is not both: see WIDTHS.
    """
    pairs = [(width, kind == "desktop") for kind, width in WIDTHS.items()]
    kept = [pair for pair in pairs if pair[0] in {WIDTHS[kind] for kind in usual or WIDTHS}]
    others = [pair for pair in pairs if pair not in kept]
    others += [(width, not way) for width, way in pairs]
    return usually(*kept, names=f"width,{name}", others=others)


_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_WITHOUT_JAVASCRIPT: WeakSet[Page] = WeakSet()
# A button that is enabled again fades in: on the way it has a contrast that nobody has to read.
_UNTIL_STILL = "() => Promise.allSettled(document.getAnimations().map((one) => one.finished))"
_BRIEFLY = {"resultTypes": ["violations"]}  # nothing is asked of what is well
_GROUND = "() => getComputedStyle(document.body).backgroundColor"
OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser, started once."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert program, "Chromium is missing: install Debian's package chromium, or set CHROMIUM."
    # Playwright's loop would make the ORM believe that tests are asynchronous.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[OpenPage]:
    """Opens pages of fresh profiles: `open_page(width=390, javascript=False, dark=True)`."""
    contexts = []

    def open_one(*, width: int = 1280, javascript: bool = True, dark: bool = False) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": 900},
            java_script_enabled=javascript,
            color_scheme="dark" if dark else "light",
            locale="en-GB",
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)  # milliseconds
        if not javascript:
            _WITHOUT_JAVASCRIPT.add(page)
        return page

    yield open_one
    for context in contexts:
        context.close()


def require_sound(page: Page, *, without: tuple[str, ...] = (), within: str = "") -> None:
    """Fail if the page breaks a rule of accessibility (axe), or has to be scrolled sideways.

    `without` names rules that templates which are not ours break, `within` the part of the page
    that is looked at, where the rest is known. Where JavaScript is off, axe cannot run either, and
    the width alone is checked.
    """
    page.wait_for_load_state()  # a page that is still on its way has no width yet
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, f"{page.url} is {wide} px wider than the window"
    if page in _WITHOUT_JAVASCRIPT:
        return
    page.evaluate(_UNTIL_STILL)
    options = {"rules": {rule: {"enabled": False} for rule in without}, **_BRIEFLY}
    results = Axe().run(page, context=within or None, options=options)
    assert results.violations_count == 0, f"{page.url}\n{results.generate_report()}"


def require_readable_in_dark(page: Page) -> None:
    """Fail if something of the page cannot be read in dark: all else axe says of light, too."""
    in_light = page.evaluate(_GROUND)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(_GROUND) != in_light, f"{page.url} is not dark"
    page.evaluate(_UNTIL_STILL)
    results = Axe().run(page, options={"runOnly": ["color-contrast"], **_BRIEFLY})
    assert results.violations_count == 0, f"{page.url} in dark\n{results.generate_report()}"
    page.emulate_media(color_scheme="light")


def require_narrow(page: Page, width: int = WIDTHS["phone"]) -> None:
    """Fail if the page has to be scrolled sideways in a window of that width."""
    size = page.viewport_size
    assert size
    page.set_viewport_size({"width": width, "height": 900})
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, f"{page.url} is {wide} px wider than a window of {width} px"
    page.set_viewport_size(size)


def shown_key(page: Page) -> str:
    """The key of the authenticator app that the page shows to be typed."""
    return re.sub(r"\s", "", page.locator("main .secret").first.inner_text())


class VirtualKey:
    """An authenticator that Chromium has by itself, put into one page.

    Args:
        page: where it is plugged in.
        is_u2f: whether it is a key of the first generation.
        is_platform: whether it is part of the device, as a fingerprint reader is.
    """

    def __init__(self, page: Page, *, is_u2f: bool = False, is_platform: bool = False) -> None:
        self._devtools = page.context.new_cdp_session(page)
        self._devtools.send("WebAuthn.enable", {"enableUI": False})
        self._options = {
            "protocol": "u2f" if is_u2f else "ctap2",
            "transport": "internal" if is_platform else "usb",
            "hasResidentKey": not is_u2f,
            "hasUserVerification": not is_u2f,
            "isUserVerified": not is_u2f,
            "automaticPresenceSimulation": True,
        }
        self.id = self._add()

    def _add(self) -> str:
        answer = self._devtools.send("WebAuthn.addVirtualAuthenticator", {"options": self._options})
        return str(answer["authenticatorId"])

    @property
    def credentials(self) -> list[dict[str, Any]]:
        """What it holds."""
        answer = self._devtools.send("WebAuthn.getCredentials", {"authenticatorId": self.id})
        return list(answer["credentials"])

    def be_touched(self, is_touched: bool) -> None:
        """Let somebody be there to touch it, or nobody."""
        self._devtools.send(
            "WebAuthn.setAutomaticPresenceSimulation",
            {"authenticatorId": self.id, "enabled": is_touched},
        )

    def unplug(self) -> list[dict[str, Any]]:
        """Take it out; what it held."""
        held = self.credentials
        self._devtools.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": self.id})
        return held

    def plug_in(self, held: list[dict[str, Any]]) -> None:
        """Put it in again, with what it held."""
        self.id = self._add()
        for credential in held:
            self._devtools.send(
                "WebAuthn.addCredential", {"authenticatorId": self.id, "credential": credential}
            )
