"""What protects uploads."""

from tests.guards import Guard

GUARDS = [
    Guard(
        "a token revoked while a file travels publishes nothing",
        "uploads/operations.py",
        "            credential.require_active()\n",
        "",
        "tests/uploads/test_uploading.py"
        "::test_a_token_that_is_revoked_while_the_file_travels_publishes_nothing",
    ),
    Guard(
        "permission is asked before the archive is opened",
        "uploads/operations.py",
        '            permissions.require(by, "upload", project)\n',
        "            pass\n",
        "tests/uploads/test_uploading.py::test_permission_is_asked_before_the_archive_is_opened",
    ),
]
