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
    Guard(
        "names of deleted files are not used again",
        "projects/operations/publishing.py",
        "    if BurntFilename.objects.filter(filename=upload.filename).exists():\n",
        "    if False:\n",
        "tests/uploads/test_immutability.py::test_the_name_of_a_deleted_file_is_not_used_again",
    ),
    Guard(
        "names of deleted projects are not given to strangers",
        "projects/claims.py",
        "    _require_not_buried(name, by)\n",
        "",
        "tests/projects/test_claims.py::test_the_name_of_a_deleted_project_is_not_given_to_strangers",
    ),
    Guard(
        "names that look alike are refused at one moment, too",
        "projects/operations/publishing.py",
        "    claims.require_unlike_others(name)\n",
        "",
        "tests/uploads/test_races.py::test_of_two_names_that_look_alike_created_at_once_one_is",
    ),
    Guard(
        "a file's content is not removed",
        "projects/operations/contents.py",
        "            raise ContentInUse\n",
        "            pass\n",
        "tests/projects/test_contents.py::test_a_content_that_a_file_has_stays",
    ),
]
