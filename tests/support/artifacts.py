"""Tiny real wheels and sdists, the same bytes for the same arguments; pip installs them offline."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import re
import tarfile
import zipfile
from collections.abc import Mapping

Content = str | bytes

_WHEEL = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"

# An sdist that needs nothing but Python: its build backend is a module inside it.
_PYPROJECT = """\
[build-system]
requires = []
build-backend = "sdist_backend"
backend-path = ["."]
"""
_BACKEND = """\
import base64, hashlib, os, zipfile

NAME, VERSION = {name!r}, {version!r}


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    info = f"{{NAME}}-{{VERSION}}.dist-info"
    wheel = "Wheel-Version: 1.0\\nGenerator: tests\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    members = {{f"{{info}}/WHEEL": wheel.encode()}}
    with open("PKG-INFO", "rb") as file:
        members[f"{{info}}/METADATA"] = file.read()
    for folder, _, names in os.walk(NAME):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                members[path.replace(os.sep, "/")] = file.read()
    lines = [f"{{info}}/RECORD,,"]
    for path, content in members.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{{path}},sha256={{digest}},{{len(content)}}")
    members[f"{{info}}/RECORD"] = "\\n".join(lines).encode()
    filename = f"{{NAME}}-{{VERSION}}-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, filename), "w") as archive:
        for path, content in members.items():
            archive.writestr(path, content)
    return filename
"""


def make_metadata(name: str = "foo", version: str = "1.0", extra: str = "") -> str:
    """Return core metadata.

    Args:
        name: as the project's owner writes it.
        version: any valid version.
        extra: further lines, and a body after an empty line if wanted.
    """
    text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{extra}"
    return text if text.endswith("\n") else text + "\n"


def make_wheel(
    name: str = "foo",
    version: str = "1.0",
    *,
    files: Mapping[str, Content] | None = None,
    metadata_extra: str = "",
    metadata: Content | None = None,
    filename: str | None = None,
) -> tuple[str, bytes]:
    """Return the file name and content of a wheel with a RECORD that is right.

    Args:
        name: as the project's owner writes it; the file name gets its normal form.
        version: any valid version in its normal form.
        files: paths and contents beside `.dist-info`; one module by default.
        metadata_extra: further lines of METADATA.
        metadata: all of METADATA, in place of what is made from the other arguments.
        filename: another file name; `.dist-info` follows it.
    """
    module = _normal(name)
    filename = filename or f"{module}-{version}-py3-none-any.whl"
    info = "-".join(filename.split("-")[:2]) + ".dist-info"
    members: dict[str, Content] = {f"{module}/__init__.py": f'__version__ = "{version}"\n'}
    if files is not None:
        members = dict(files)
    members[f"{info}/METADATA"] = (
        make_metadata(name, version, metadata_extra) if metadata is None else metadata
    )
    members[f"{info}/WHEEL"] = _WHEEL
    record = [_record_line(path, _as_bytes(content)) for path, content in members.items()]
    members[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""])
    return filename, zip_of(members)


def make_sdist(
    name: str = "foo",
    version: str = "1.0",
    *,
    files: Mapping[str, Content] | None = None,
    metadata_extra: str = "",
    metadata: Content | None = None,
    filename: str | None = None,
) -> tuple[str, bytes]:
    """Return the file name and content of an sdist; arguments as for `make_wheel`, and
    `files` lie under the top-level directory, beside PKG-INFO and a build backend."""
    module = _normal(name)
    filename = filename or f"{module}-{version}.tar.gz"
    members: dict[str, Content] = {
        "PKG-INFO": make_metadata(name, version, metadata_extra) if metadata is None else metadata,
        "pyproject.toml": _PYPROJECT,
        "sdist_backend.py": _BACKEND.format(name=module, version=version),
    }
    members |= {f"{module}/__init__.py": f'__version__ = "{version}"\n'} if files is None else files
    top = filename.removesuffix(".tar.gz")
    return filename, tar_gz_of({f"{top}/{path}": content for path, content in members.items()})


def zip_of(members: Mapping[str, Content]) -> bytes:
    """Return a zip archive of these paths and contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in members.items():
            info = zipfile.ZipInfo(path, (2026, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o100644 << 16
            archive.writestr(info, _as_bytes(content))
    return buffer.getvalue()


def tar_gz_of(members: Mapping[str, Content], *, form: int = tarfile.PAX_FORMAT) -> bytes:
    """Return a gzipped tar archive of these paths and contents.

    Args:
        members: paths and contents, in order.
        form: `tarfile.PAX_FORMAT`, `GNU_FORMAT` or `USTAR_FORMAT`.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for path, content in members.items():
            raw = _as_bytes(content)
            info = tarfile.TarInfo(path)
            info.size, info.mtime, info.mode = len(raw), 1767225600, 0o644
            archive.addfile(info, io.BytesIO(raw))
    return gzip.compress(buffer.getvalue(), mtime=0)


def tar_member(name: str, content: bytes = b"", **attributes: object) -> bytes:
    """Return the blocks of one tar member, however odd.

    Args:
        name: its path, of at most 100 characters.
        content: what follows its header.
        attributes: further attributes of its `tarfile.TarInfo`, such as `type` or a false `size`.
    """
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in attributes.items():
        setattr(info, key, value)
    padding = bytes(-len(content) % tarfile.BLOCKSIZE)
    header = info.tobuf(tarfile.GNU_FORMAT if info.size < 0 else tarfile.USTAR_FORMAT)
    return header + content + padding


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()


def _as_bytes(content: Content) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _record_line(path: str, content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(content)}"
