"""What protects projects."""

from tests.guards import Guard

GUARDS = [
    Guard(
        "strangers do not upload",
        "projects/operations/publishing.py",
        '    project = _lock(project)\n    permissions.require(by, "upload", project)\n',
        "    project = _lock(project)\n",
        "tests/projects/test_publishing.py",
    ),
]
