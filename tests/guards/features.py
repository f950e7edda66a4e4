"""What keeps the marks of features, reports of strangers and pages of projects right."""

from tests.guards import Guard

_FEATURES = "tests/accounts/test_features.py"
_REPORTS = "tests/projects/test_reports.py"
GUARDS = [
    Guard(
        "only administrators mark features",
        "accounts/operations/features.py",
        "    require_staff(by, MAY_RULE)\n    if name",
        "    if name",
        f"{_FEATURES}::test_only_administrators_mark_features",
    ),
    Guard(
        "the link of a beta feature runs no script",
        "accounts/operations/features.py",
        "    if url:\n        _IS_WEB_ADDRESS(url)\n",
        "",
        f"{_FEATURES}::test_what_is_no_feature_no_text_or_no_link_is_refused",
    ),
    Guard(
        "reports of strangers have a limit by address",
        "projects/operations/reports.py",
        "take_all((OF_ADDRESS, network_key(by.network_address)), (OF_STRANGERS",
        "take_all((OF_STRANGERS",
        f"{_REPORTS}::test_strangers_have_a_limit_by_address_and_one_for_all",
    ),
    Guard(
        "the mail address of a stranger is forgotten with the answer",
        "projects/operations/reports.py",
        '        mail_address="",\n    ):',
        "    ):",
        f"{_REPORTS}::test_the_queue_says_that_a_stranger_made_it_and_the_address_goes_with_the_answer",
    ),
    Guard(
        "an account that leaves changes the serial of its projects",
        "projects/changes.py",
        "    project.serial = events[-1].number\n",
        "",
        "tests/accounts/test_closing.py::test_the_pages_of_a_project_follow_who_leaves",
    ),
]
