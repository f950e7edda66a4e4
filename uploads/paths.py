"""The paths inside an archive: each plain, and all of them different on every file system. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from projects.names import shown
from uploads.problems import SHOWN, Problem

MAX_PATH: Final = 1000
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_DRIVE: Final = re.compile(r"[A-Za-z]:")


def path_problem(path: str) -> str | None:
    """Why a member must not be unpacked under this path; None if it may.

    Args:
        path: as the archive spells it; a slash at the end is allowed.
    """
    if not path or len(path) > MAX_PATH:
        return f"is empty or longer than {MAX_PATH} characters"
    try:
        path.encode()
    except UnicodeEncodeError:
        return "is not UTF-8"
    if _CONTROL.search(path):
        return "holds a control character"
    if "\\" in path:
        return "holds a backslash"
    if path.startswith("/") or _DRIVE.match(path):
        return "is an absolute path"
    parts = path.removesuffix("/").split("/")
    if ".." in parts:
        return "leads out of its folder with '..'"
    if "." in parts or "" in parts:
        return "is not in its plain spelling"
    return None


class Paths:
    """The members of one archive, as they are met."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}  # by what a file system may take for the same
        self.folders: dict[str, str] = {}
        self._links: dict[str, str] = {}
        self._problems: dict[str, Problem] = {}

    def add(self, path: str, *, is_folder: bool = False, link: str | None = None) -> None:
        """Meet a member.

        Args:
            path: as the archive spells it.
            is_folder: whether it is a directory.
            link: what it points to, seen from the folder that it is in, if it is a link.
        """
        problem = path_problem(path)
        if problem is not None:
            self._note("path", f"the path {shown(path, SHOWN)} in the archive {problem}")
            return
        key = same_everywhere(path.removesuffix("/"))
        if is_folder:
            self.folders[key] = path
            return
        former = self.files.get(key)
        if former == path:
            self._note("duplicate", f"the archive has {shown(path, SHOWN)} twice")
        elif former is not None:
            self._note(
                "collision",
                f"the archive has {shown(former, SHOWN)} and {shown(path, SHOWN)}, which are one "
                "file on many systems",
            )
        self.files[key] = path
        if link is not None:
            self._links[key] = link

    def add_hard_link(self, path: str, target: str) -> None:
        """Meet a second name of a file, which must have been met."""
        key = same_everywhere(target)
        if self.files.get(key) != target or key in self._links:
            self._note("link", f"the link {shown(path, SHOWN)} points to no file of the archive")
        self.add(path)

    def problems(self) -> list[Problem]:
        """What is wrong with the paths that were met; one problem of each kind."""
        for key, path in self.files.items():
            above = next((one for one in folders_above(key) if one in self.files), None)
            if above is not None or key in self.folders:
                self._note(
                    "collision", f"{shown(self.files[above or key], SHOWN)} is both file and folder"
                )
            if key in self._links and not self._stays_inside(path, self._links[key]):
                self._note("link", f"the link {shown(path, SHOWN)} leads out of the archive")
        return list(self._problems.values())

    def _note(self, code: str, text: str) -> None:
        self._problems.setdefault(code, Problem(code, text))

    def _stays_inside(self, path: str, target: str) -> bool:
        """Whether a link ends below the top folder, without going through another link."""
        if _CONTROL.search(target) or "\\" in target or target.startswith("/") or not target:
            return False
        here = path.split("/")[:-1]
        steps = target.split("/")
        for number, step in enumerate(steps):
            if step in {"", "."}:
                continue
            if step != "..":
                here.append(step)
            elif len(here) < 2:
                return False
            else:
                here.pop()
            is_last = number == len(steps) - 1
            if not is_last and same_everywhere("/".join(here)) in self._links:
                return False
        return bool(here) and here[0] == path.split("/")[0]


def same_everywhere(path: str) -> str:
    """One text for all spellings that some file system takes for the same."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def folders_above(key: str) -> Iterator[str]:
    """All folders that a path lies in, the topmost first."""
    at = key.find("/")
    while at >= 0:
        yield key[:at]
        at = key.find("/", at + 1)
