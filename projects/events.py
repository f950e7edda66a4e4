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
    "warned",  # whether the uploader's kind of credential will be refused later
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

PROJECT_ARCHIVED = define("project:project:archived", _("{actor} archived the project {project}"))
PROJECT_UNARCHIVED = define(
    "project:project:unarchived", _("{actor} made the project {project} active again")
)
PROJECT_DELETED = define(
    "project:project:deleted",
    _("{actor} deleted the project {project}, with {releases} releases and {files} files"),
    "releases",
    "files",
)
RELEASE_DELETED = define(
    "project:release:deleted",
    _("{actor} deleted {project} {version}, with the files {filenames}"),
    "version",
    "filenames",
)
FILE_DELETED = define(
    "project:file:deleted", _("{actor} deleted {filename}"), "filename", "version", "sha256"
)
ROLE_CHANGED = define(
    "project:role:changed",
    _("{actor} made {user} {role} of {project}; before, {user} was {former}"),
    "role",
    "former",
)
INVITATION_CREATED = define(
    "project:invitation:created", _("{actor} invited {user} to become {role} of {project}"), "role"
)
INVITATION_ACCEPTED = define(
    "project:invitation:accepted",
    _("{user} accepted the invitation of {inviter} to {project}"),
    "inviter",
    "role",
)
INVITATION_DECLINED = define(
    "project:invitation:declined",
    _("{user} declined the invitation of {inviter} to {project}"),
    "inviter",
    "role",
)
INVITATION_REVOKED = define(
    "project:invitation:revoked",
    _("{actor} took back the invitation of {user} to {project}"),
    "role",
)
CONTENT_REMOVED = define(
    "project:content:removed", _("{actor} removed a stored content ({blake2b_256})"), "blake2b_256"
)
OBJECT_SET_ASIDE = define(
    "project:object:set-aside", _("{actor} moved {path} out of the store of contents"), "path"
)
PROJECT_QUARANTINED = define(
    "staff:project:quarantined",
    _("{actor} put the project {project} into quarantine: {reason}"),
    "reason",
)
PROJECT_RELEASED = define(
    "staff:project:released",
    _("{actor} took the project {project} out of quarantine: {reason}"),
    "reason",
)
PROJECT_MARKED_CRITICAL = define(
    "project:project:marked-critical",
    _("{actor} marked the project {project} critical: {reason}"),
    "reason",
)
PROJECT_UNMARKED_CRITICAL = define(
    "project:project:unmarked-critical",
    _("{actor} took the mark “critical” from the project {project}: {reason}"),
    "reason",
)
PROJECT_NAME_PROHIBITED = define(
    "staff:project-name:prohibited",
    _("{actor} prohibited the project name {name}: {reason}"),
    "name",
    "reason",
)
PROJECT_NAME_RESERVED = define(
    "staff:project-name:reserved",
    _("{actor} reserved the project name {name} for {user}: {reason}"),
    "name",
    "reason",
)
PROJECT_NAME_ALLOWED = define(
    "staff:project-name:allowed",
    _("{actor} allowed the project name {name} again: {reason}"),
    "name",
    "reason",
)
PROJECT_NAME_FREED = define(
    "staff:project-name:freed",
    _("{actor} freed the name {name} of a deleted project: {reason}"),
    "name",
    "reason",
)
PROJECT_ARCHIVED_BY_STAFF = define(
    "staff:project:archived", _("{actor} archived the project {project}: {reason}"), "reason"
)
PROJECT_UNARCHIVED_BY_STAFF = define(
    "staff:project:unarchived",
    _("{actor} made the project {project} active again: {reason}"),
    "reason",
)
PROJECT_DELETED_BY_STAFF = define(
    "staff:project:deleted",
    _(
        "{actor} deleted the project {project}, with {releases} releases and {files} files: "
        "{reason}"
    ),
    "releases",
    "files",
    "reason",
)
PROJECT_LIMITS_CHANGED = define(
    "staff:project:limits-changed",
    _(
        "{actor} changed the limits of the project {project} from {former_file} to {file} bytes "
        "for a file, and from {former_total} to {total} bytes for all of them: {reason}"
    ),
    "former_file",
    "file",
    "former_total",
    "total",
    "reason",
)
PROJECT_TRANSFERRED = define(
    "staff:project:transferred",
    _("{actor} made {user} the only owner of {project}: {reason}"),
    "reason",
)
CONTENT_REMOVED_BY_STAFF = define(
    "staff:content:removed",
    _("{actor} removed the stored content of the deleted file {filename} at once: {reason}"),
    "filename",
    "blake2b_256",
    "reason",
)
# Not about the project: its owners read its history, and must not see who reported it.
PROJECT_REPORTED = define(
    "project:report:made", _("{actor} reported the project {name} ({what})"), "name", "what"
)
REPORT_ANSWERED = define(
    "staff:report:answered",
    _("{actor} answered the report of {user} about {name} ({outcome}): {reason}"),
    "name",
    "outcome",
    "reason",
)
