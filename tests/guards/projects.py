"""What protects projects."""

from tests.guards import Guard

GUARDS = [
    Guard(
        "strangers do not upload",
        "projects/operations/publishing.py",
        '    project = changes.lock(project)\n    permissions.require(by, "upload", project)\n',
        "    project = changes.lock(project)\n",
        "tests/projects/test_publishing.py",
    ),
]
