"""Reading archives of foo 1.0 as an upload does, with problems as errors."""

from __future__ import annotations

import io

from projects.names import parse_filename
from uploads.artifacts import ArtifactError, Contents, read_sdist, read_wheel
from uploads.errors import UploadRefused

WHEEL = parse_filename("foo-1.0-py3-none-any.whl")
SDIST = parse_filename("foo-1.0.tar.gz")


def sound(contents: Contents) -> bytes:
    """The metadata of an archive in which nothing is wrong."""
    if contents.problems:
        raise ArtifactError(
            UploadRefused.because(contents.problems).sentence, contents.problems[0].code
        )
    return contents.metadata


def wheel(raw: bytes) -> bytes:
    """METADATA of a wheel."""
    return sound(read_wheel(io.BytesIO(raw), WHEEL))


def sdist(raw: bytes) -> bytes:
    """PKG-INFO of an sdist."""
    return sound(read_sdist(io.BytesIO(raw), SDIST))
