"""Fills a site with projects: `python -m benchmarks.fill_projects COUNT`.

Needs the environment of a site whose migrations have run and that does not run now. Each project
has one release with one file, of which only the rows exist; nothing of it is recorded.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import sys
import uuid
from typing import Any

import django

BATCH = 2_000
_WORDS = """
    async cache client cloud config data django fast flask graph image json kit library log machine
    model network parser plot proxy queue schema server session simple stream table template test
    text tool tree type utility vector web worker yaml
"""
WORDS = _WORDS.split()


def name_of(number: int) -> str:
    """The name of one of the projects: the same at each run, no two alike."""
    chance = random.Random(number)  # noqa: S311  (nothing here is a secret)
    return f"{chance.choice(WORDS)}-{chance.choice(WORDS)}-{number:06d}"


def fill(count: int) -> int:
    """Add projects until so many were made here; how many were added now."""
    from django.conf import settings
    from django.db import transaction

    from projects import search
    from projects.models import File

    present = File.objects.filter(uploaded_by_id="").count()
    for start in range(present, count, BATCH):
        with transaction.atomic():
            _add([name_of(number) for number in range(start, min(start + BATCH, count))])
    search.rebuild()
    shutil.rmtree(settings.INDEX_ROOT, ignore_errors=True)  # an edition of before
    return count - present


def _add(names: list[str]) -> None:
    """The rows of these projects, past the ORM, which would take ten times as long."""
    from django.db import connection

    from projects.models import File, Project, Release
    from projects.names import canonical_version

    key: Any = Project._meta.pk
    ids = {name: key.get_db_prep_save(uuid.uuid4(), connection) for name in names}
    _insert(
        Project(),
        [{"id": ids[name], "name": name, "normalized_name": name} for name in names],
    )
    metadata = {"metadata_version": "2.1", "description": "# A package\n\nWords.\n"}
    summary = "A package for {} to measure with"
    _insert(
        Release(version="1.0", canonical_version=canonical_version("1.0"), metadata=metadata),
        [
            {"project_id": ids[name], "summary": summary.format(name.replace("-", " and ", 1))}
            for name in names
        ],
    )
    found = Release.objects.filter(project__normalized_name__in=names)
    releases = dict(found.values_list("project__normalized_name", "pk").order_by())
    file = File(
        kind="bdist_wheel",
        size=10_240,
        python_tag="py3",
        requires_python=">=3.9",
        uploaded_by_id="",
        uploaded_by="ada",
    )
    _insert(file, [_of_file(name, ids[name], releases[name]) for name in names])


def _of_file(name: str, project_id: Any, release_id: int) -> dict[str, Any]:
    module = name.replace("-", "_")
    digest = hashlib.sha256(module.encode()).hexdigest()
    return {
        "project_id": project_id,
        "release_id": release_id,
        "filename": f"{module}-1.0-py3-none-any.whl",
        "sha256": digest,
        "blake2b_256": digest,
        "md5": digest[:32],
        "metadata_sha256": digest,
    }


def _insert(common: Any, rows: list[dict[str, Any]]) -> None:
    """Rows with the values of one object, except those that each says for itself."""
    from django.db import connection, models

    fields = [
        field
        for field in common._meta.concrete_fields
        if not isinstance(field, models.AutoField) and not field.generated
    ]
    values = {
        field.attname: field.get_db_prep_save(field.value_from_object(common), connection)
        for field in fields
        if field.attname not in rows[0]
    }
    quote = connection.ops.quote_name
    columns = ", ".join(quote(field.column) for field in fields)
    places = ", ".join("%s" for _field in fields)
    insert = f"INSERT INTO {quote(common._meta.db_table)} ({columns}) VALUES ({places})"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.executemany(
            insert, [[{**values, **row}[field.attname] for field in fields] for row in rows]
        )


def main() -> int:
    """Fill."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "indexsite.settings")
    django.setup()
    print(fill(int(sys.argv[1])), "projects were added")
    return 0


if __name__ == "__main__":
    sys.exit(main())
