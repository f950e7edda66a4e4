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

    from projects import search
    from projects.models import File, Project, Release
    from projects.names import canonical_version

    present = File.objects.filter(uploaded_by_id="").count()
    for start in range(present, count, BATCH):
        names = [name_of(number) for number in range(start, min(start + BATCH, count))]
        projects = Project.objects.bulk_create(
            Project(name=name, normalized_name=name) for name in names
        )
        releases = Release.objects.bulk_create(
            Release(
                project=project,
                version="1.0",
                canonical_version=canonical_version("1.0"),
                summary=f"A package for {project.name.replace('-', ' and ', 1)} to measure with",
                metadata={"metadata_version": "2.1", "description": "# A package\n\nWords.\n"},
            )
            for project in projects
        )
        File.objects.bulk_create(_file(release) for release in releases)
    search.rebuild()
    shutil.rmtree(settings.INDEX_ROOT, ignore_errors=True)  # an edition of before
    return count - present


def _file(release: Any) -> Any:
    from projects.models import File

    module = release.project.name.replace("-", "_")
    digest = hashlib.sha256(module.encode()).hexdigest()
    return File(
        project=release.project,
        release=release,
        filename=f"{module}-1.0-py3-none-any.whl",
        kind="bdist_wheel",
        size=10_240,
        sha256=digest,
        blake2b_256=digest,
        md5=digest[:32],
        python_tag="py3",
        requires_python=">=3.9",
        metadata_sha256=digest,
        uploaded_by_id="",
        uploaded_by="ada",
    )


def main() -> int:
    """Fill."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "indexsite.settings")
    django.setup()
    print(fill(int(sys.argv[1])), "projects were added")
    return 0


if __name__ == "__main__":
    sys.exit(main())
