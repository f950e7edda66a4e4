"""What the memory can say of projects."""

from django.utils.translation import gettext_lazy as _

from audit.vocabulary import define

PROJECT_CREATED = define("project:project:created", _("{actor} created the project {project}"))
ROLE_ADDED = define("project:role:added", _("{user} became {role} of {project}"), "role")
ROLE_REMOVED = define("project:role:removed", _("{user} is no longer {role} of {project}"), "role")
RELEASE_CREATED = define(
    "project:release:created", _("{actor} released {project} {version}"), "version"
)
FILE_UPLOADED = define(
    "project:file:uploaded",
    _("{actor} uploaded {filename} ({size} bytes)"),
    "filename",
    "version",
    "size",
    "sha256",
    "blake2b_256",
)
RELEASE_YANKED = define(
    "project:release:yanked",
    _("{actor} yanked {project} {version}. Reason: {reason}"),
    "version",
    "reason",
)
RELEASE_UNYANKED = define(
    "project:release:unyanked",
    _("{actor} took back the yank of {project} {version}. Reason: {reason}"),
    "version",
    "reason",
)
CONTENT_REMOVED = define(
    "project:content:removed", _("{actor} removed a stored content ({blake2b_256})"), "blake2b_256"
)
OBJECT_SET_ASIDE = define(
    "project:object:set-aside", _("{actor} moved {path} out of the store of contents"), "path"
)
