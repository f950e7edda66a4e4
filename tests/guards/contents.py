"""What protects stored contents."""

from tests.guards import Guard

_CONTENTS = "tests/projects/test_contents.py"
_CONFLICTS = "tests/projects/test_bucket_conflicts.py"
_READING = "tests/projects/test_long_reading.py"

GUARDS = [
    Guard(
        "a conflict in the bucket does not count as stored",
        "projects/buckets.py",
        "            if refusal in _CONFLICT:\n",
        "            if False:\n",
        f"{_CONFLICTS}::test_when_conflicts_do_not_end_the_upload_is_to_be_tried_again",
    ),
    Guard(
        "after a conflict in the bucket it is tried again",
        "projects/buckets.py",
        "                if code in _CONFLICT:\n                    continue\n",
        "                if code in _CONFLICT:\n                    return code\n",
        f"{_CONFLICTS}::test_after_a_conflict_a_content_is_stored_all_the_same",
    ),
    Guard(
        "what was to be set aside is never deleted",
        "projects/operations/contents.py",
        "    if not removal.sets_aside:\n",
        "    if True:\n",
        f"{_CONTENTS}::test_what_was_to_be_set_aside_is_set_aside_later",
    ),
    Guard(
        "an older removal holds uploads back",
        "projects/operations/contents.py",
        "    if any(finished_at is None for _pk, finished_at in known):",
        "    if known and max(known)[1] is None:",
        f"{_CONTENTS}::test_an_older_removal_that_was_cut_off_holds_uploads_back",
    ),
    Guard(
        "a removal that somebody else has finished takes nothing more away",
        "projects/operations/contents.py",
        "        if not _renew(removal):\n            return",
        "        if False:\n            return",
        "tests/uploads/test_races.py"
        "::test_a_removal_that_another_process_has_finished_takes_nothing_from_under_a_new_file",
    ),
    Guard(
        "a damaged content is replaced",
        "projects/folders.py",
        "            os.replace(source, target)\n",
        "            target.exists() or os.replace(source, target)\n",
        "tests/projects/test_storage.py"
        "::test_what_is_kept_already_is_right_afterwards_and_read_on_meanwhile",
    ),
    Guard(
        "SQLite's log is emptied while contents are checked",
        "projects/stocktaking.py",
        "    for row in _files():\n",
        '    for row in File.objects.order_by("pk").iterator(_BATCH):\n',
        f"{_READING}::test_between_the_contents_that_are_checked_no_query_is_open",
    ),
    Guard(
        "SQLite's log is emptied while a history is sent",
        "projects/views/history.py",
        "    page = list(events[:_BATCH])\n",
        """    for event in events.iterator(_BATCH):
        yield from history([event], reader_id=str(request.user.pk))
    page: list[Event] = []
""",
        f"{_READING}::test_between_the_lines_of_a_history_no_query_is_open",
    ),
]
