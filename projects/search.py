"""Finding projects by name and summary.

What is searched stands in a table of its own, one row for each project, so that projects stay small
and the index of either database can be made anew: trigrams in a GIN index on PostgreSQL, in an FTS5
table on SQLite. Both find words by any part of at least three letters, and names that are near;
shorter words are looked for in what the others found, and alone at the beginning of names.
"""

from __future__ import annotations

import difflib
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import chain, islice
from operator import or_
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Q

from audit.prepared import Prepared, PreparedUpdate
from projects.models import Project, Release, SearchEntry, latest_of
from projects.names import MAX_NAME, normalize

MOST: Final = 500  # results; who finds more has to say more
MAX_QUERY: Final = 200  # characters
MAX_SUMMARY: Final = 2000  # characters
BATCH: Final = 500
NEAR: Final = 8
CANDIDATES: Final = 1_000  # names that share letters, from which the nearest are chosen
_GRAM: Final = 3  # letters
_ENTRY: Final = Prepared(
    lambda project: (
        SearchEntry.objects.filter(project=project)
        .select_related("release")
        .defer("release__metadata")
    )
)
_SHOW: Final = PreparedUpdate(
    lambda pk, release: (SearchEntry.objects.filter(pk=pk), {"release": release})
)

_NEAR_ON_POSTGRESQL: Final = """
    SELECT name FROM projects_searchentry WHERE name %% %s
    ORDER BY similarity(name, %s) DESC, name LIMIT %s
"""
_NEAR_ON_SQLITE: Final = """
    SELECT name FROM projects_search WHERE projects_search MATCH %s LIMIT %s
"""
_WORDS_ON_SQLITE: Final = """
    SELECT entry.project_id FROM projects_search AS found
    JOIN projects_searchentry AS entry ON entry.id = found.rowid
    JOIN projects_project AS project ON project.id = entry.project_id
    WHERE projects_search MATCH %s AND project.status <> 'quarantined' {}LIMIT %s
"""


@dataclass(frozen=True)
class Found:
    """What a search gave.

    Attributes:
        projects: keys of the projects that fit, the best first; at most MOST.
        is_cut: whether there may be more.
        near: projects whose names are near, where none fits by name.
        only_names: whether all words are too short for the index, so only names were looked at.
    """

    projects: list[Any]
    is_cut: bool
    near: list[Project]
    only_names: bool


def find(query: str) -> Found:
    """Projects whose names are or begin with what is asked for, then those that hold its words."""
    query = query[:MAX_QUERY].strip()
    name = normalize(query)
    by_name = _by_name(name) if name and len(name) <= MAX_NAME else []
    words = query.lower().split()
    has_long = any(len(word) >= _GRAM for word in words)
    by_words = _by_words(words) if has_long else []
    keys = list(dict.fromkeys([*by_name, *by_words]))
    return Found(
        projects=keys[:MOST],
        is_cut=len(keys) > MOST or len(by_name) >= MOST or len(by_words) >= MOST,
        near=[] if by_name else _near(name),
        only_names=bool(words) and not has_long,
    )


def _by_name(name: str) -> list[Any]:
    """The exact name first, then what begins with it: one range of an index."""
    entries = SearchEntry.objects.listed().order_by("name")
    if connection.vendor == "postgresql":
        entries = entries.filter(name__startswith=name)
    else:  # LIKE would not use the index here; names are ASCII, and "~" comes after all of it
        entries = entries.filter(name__gte=name, name__lt=f"{name}~")
    return list(entries.values_list("project_id", flat=True)[:MOST])


def _by_words(words: Sequence[str]) -> list[Any]:
    """Whose name or summary holds each of the words, of which one at least is in the index."""
    spelt = [_spellings(word) for word in words]
    if connection.vendor == "sqlite":
        match = f"text : ({' AND '.join(filter(None, map(_match, spelt)))})"
        held = [" OR ".join(["instr(entry.text, %s) > 0"] * len(either)) for either in spelt]
        sql = _WORDS_ON_SQLITE.format("".join(f"AND ({one}) " for one in held))
        return [uuid.UUID(key) for key in _column(sql, [match, *chain(*spelt), MOST])]
    entries = SearchEntry.objects.listed()
    for either in spelt:
        holds = (Q(text__contains=one) for one in either)
        entries = entries.filter(reduce(or_, holds))
    return list(entries.values_list("project_id", flat=True)[:MOST])


def _spellings(word: str) -> list[str]:
    """A word, and as names are kept: theirs are shown with dots and underscores, too."""
    as_name = normalize(word)
    return [word, as_name] if as_name != word and len(as_name) >= _GRAM else [word]


def _match(spellings: Sequence[str]) -> str:
    """What FTS5 is to find of a word; "" if it is too short."""
    parts = [" AND ".join(map(_quoted, _grams(one))) for one in spellings]
    return f"({' OR '.join(f'({part})' for part in parts)})" if all(parts) else ""


def _near(name: str) -> list[Project]:
    """Projects whose names have much in common with a name that nobody has, the nearest first."""
    if len(name) < _GRAM:
        return []
    if connection.vendor == "sqlite":
        # No order: FTS5 would go through all that share three letters, a second in a large index
        match = f"name : ({' OR '.join(map(_quoted, _pieces(name)))})"
        names = _column(_NEAR_ON_SQLITE, [match, CANDIDATES])
    else:
        names = _column(_NEAR_ON_POSTGRESQL, [name, name, 8 * NEAR])
    nearest = difflib.get_close_matches(name, names, n=NEAR, cutoff=0.6)
    found = Project.objects.listed().in_bulk(nearest, field_name="normalized_name")
    return [found[one] for one in nearest if one in found]


def _grams(word: str) -> list[str]:
    """Threes of letters that cover a word; none of a word that is shorter.

    To look a word up as a whole, FTS5 goes through all that it has of each three letters in it, and
    compares their places. These are a third as many; a look at the text itself does the rest.
    """
    last = len(word) - _GRAM
    starts = {*range(0, last, _GRAM), last} if last >= 0 else ()
    return [word[start : start + _GRAM] for start in sorted(starts)]


def _pieces(name: str) -> list[str]:
    """Parts of a name of which one stands in every name that is a letter or two off.

    Two slips spoil two thirds at most. Of a short name these are too short to be looked up.
    """
    third = len(name) // 3
    if third >= _GRAM:
        return [name[:third], name[third : 2 * third], name[2 * third :]]
    return sorted({name[start : start + _GRAM] for start in range(len(name) - _GRAM + 1)})


def _quoted(word: str) -> str:
    """A word as FTS5 takes it, whatever it holds."""
    return '"' + word.replace('"', '""') + '"'


def _column(sql: str, parameters: list[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [row[0] for row in cursor.fetchall()]


# Keeping it right: called with every change that can show, within its transaction


def note(project: Project, *, added: Release | None = None) -> None:
    """Keep what a project is found by: its name, and the summary of its latest release.

    Args:
        added: a new release, if nothing else has changed: its releases are not all read then.
    """
    present = _ENTRY.first(project.pk)
    if added is not None and present is not None and present.release is not None:
        latest = latest_of([present.release, added])
    else:
        latest = latest_of(project.releases.defer("metadata").order_by())
    entry = _entry(project, latest)
    if present is not None and present.summary == entry.summary:
        if latest is None:
            SearchEntry.objects.filter(pk=present.pk).update(release=None)
        elif present.release_id != latest.pk:
            _SHOW(present.pk, latest.pk)
        return
    forget(project)
    entry.save(force_insert=True)
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO projects_search (rowid, name, text) VALUES (%s, %s, %s)",
                [entry.pk, entry.name, entry.text],
            )


def forget(project: Project) -> None:
    """Take a project out, such as before it is deleted."""
    entry = SearchEntry.objects.filter(project=project).first()
    if entry is None:
        return
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:  # FTS5 needs the former content to find its grams
            cursor.execute(
                "INSERT INTO projects_search (projects_search, rowid, name, text) "
                "VALUES ('delete', %s, %s, %s)",
                [entry.pk, entry.name, entry.text],
            )
    entry.delete()


def _entry(project: Project, latest: Release | None) -> SearchEntry:
    name, summary = project.normalized_name, latest.summary[:MAX_SUMMARY] if latest else ""
    text = f"{name} {summary}".lower()
    return SearchEntry(project=project, release=latest, name=name, summary=summary, text=text)


@transaction.atomic
def rebuild() -> int:
    """Make the whole index anew, such as after projects were put into the database by hand.

    Returns:
        How many projects there are.
    """
    SearchEntry.objects.all().delete()
    projects = Project.objects.order_by("pk").iterator(chunk_size=BATCH)
    count = 0
    while batch := list(islice(projects, BATCH)):
        releases = defaultdict(list)
        for release in Release.objects.filter(project__in=batch).defer("metadata").order_by():
            releases[release.project_id].append(release)
        SearchEntry.objects.bulk_create(
            _entry(project, latest_of(releases[project.pk])) for project in batch
        )
        count += len(batch)
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO projects_search (projects_search) VALUES ('rebuild')")
    return count
