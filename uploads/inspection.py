"""Everything that a file can say of itself, and that settings of the site let it say."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from uploads import artifacts, fields, metadata, readmes
from uploads.errors import UploadRefused, site_is_full
from uploads.fields import PublicRules
from uploads.problems import Problem
from uploads.requests import UploadRequest


@dataclass(frozen=True)
class Inspected:
    """A file in which nothing was found to be wrong.

    Attributes:
        core: its metadata, which is what installers will believe.
        raw_metadata: METADATA of a wheel, PKG-INFO of an sdist, as it is in the archive.
    """

    core: metadata.CoreMetadata
    raw_metadata: bytes


def inspect(request: UploadRequest) -> Inspected:
    """Read all of a file.

    Raises:
        UploadRefused: with all that is wrong with it, as far as it fits into one line.
    """
    rules = public_rules()
    is_wheel = request.parsed.kind == "bdist_wheel"
    where = "METADATA" if is_wheel else "PKG-INFO"
    read = artifacts.read_wheel if is_wheel else artifacts.read_sdist
    try:
        with request.file.path.open("rb") as file:
            contents = read(file, request.parsed)
        core = metadata.read(contents.metadata, where=where)
        metadata.require_same_identity(
            core, name=request.name, version=request.version, where=where
        )
    except artifacts.ArtifactError as error:
        raise UploadRefused.because([Problem(error.code, str(error))]) from error
    except metadata.MetadataError as error:
        known = contents.problems
        raise UploadRefused.because([*known, Problem("metadata", str(error))]) from error
    except OSError as error:
        raise site_is_full(error) from error
    problems = [
        *contents.problems,
        *_spelling_problems(request, core),
        *fields.platform_problems(request.parsed, rules),
        *fields.field_problems(core, rules),
        *artifacts.license_file_problems(contents, request.parsed, core.license_files),
        *readmes.readme_problems(core.description, core.description_content_type),
    ]
    if problems:
        raise UploadRefused.because(problems)
    return Inspected(core, contents.metadata)


def _spelling_problems(request: UploadRequest, core: metadata.CoreMetadata) -> list[Problem]:
    """Whether the name of an sdist spells the version as its metadata do (PEP 625).

    Else a release could have a file for each number of zeros after its version.
    """
    parsed = request.parsed
    if parsed.kind != "sdist" or str(parsed.version) == core.version:
        return []
    text = (
        f"the name of the sdist {parsed.filename} must spell the version as its PKG-INFO does, "
        f"{core.version} (PEP 625)"
    )
    return [Problem("filename_version", text)]


def public_rules() -> PublicRules:
    """The rules of public indexes that hold here."""
    return PublicRules(
        local_versions=settings.REFUSE_LOCAL_VERSIONS,
        private_classifiers=settings.REFUSE_PRIVATE_CLASSIFIERS,
        direct_urls=settings.REFUSE_DIRECT_URLS,
        platforms=settings.REFUSE_OTHER_PLATFORMS,
    )
