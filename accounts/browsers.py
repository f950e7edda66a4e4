"""Names a browser by what it calls itself, for people to recognise it; nothing is decided by it."""

from __future__ import annotations

from django.utils.translation import gettext as _

# The first that is found counts: most browsers also claim to be those that come later.
_PROGRAMS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Vivaldi", "Vivaldi"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chromium", "Chromium"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Macintosh", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
_LONGEST = 60  # characters of a name that is none of these


def describe(user_agent: str) -> str:
    """ "Firefox on Linux", or the beginning of what an unknown program calls itself."""
    program = next((name for sign, name in _PROGRAMS if f"{sign}/" in user_agent), "")
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), "")
    if program and system:
        return _("%(program)s on %(system)s") % {"program": program, "system": system}
    return program or "".join(part for part in user_agent[:_LONGEST] if part.isprintable())
