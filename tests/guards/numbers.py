"""What keeps the numbers right, and from whom they are kept."""

from tests.guards import Guard

_COUNTING = "tests/indexsite/test_counting.py"
_SHEETS = "tests/indexsite/test_sheets.py"

GUARDS = [
    Guard(
        "what follows a piece is not passed by",
        "indexsite/counting.py",
        "    mark.number = last\n",
        "    mark.number = head\n",
        f"{_COUNTING}::test_pieces_that_end_with_the_last_event_leave_none_out",
    ),
    Guard(
        "counts and mark change together",
        "indexsite/counting.py",
        "@transaction.atomic\ndef _count_piece",
        "def _count_piece",
        _COUNTING,
    ),
    Guard(
        "remembered devices are no second factor",
        "indexsite/sheets.py",
        "return month.get(series.FACTOR, 0) + month.get(series.PASSKEY, 0)",
        "return sum(month.values()) - month.get(series.PASSWORD, 0)",
        _SHEETS,
    ),
    Guard(
        "network addresses are for the groups that may see them",
        "indexsite/numbers.py",
        "if is_in(user, SEE_ORIGINS):",
        "if True:",
        "tests/indexsite/test_numbers.py",
    ),
    Guard(
        "numbers are exported by the groups that may",
        "indexsite/staff_numbers.py",
        "for groups in (EXPORTERS, seen_by):",
        "for groups in ():",
        _SHEETS,
    ),
    Guard(
        "an export of numbers is recorded",
        "indexsite/staff_numbers.py",
        "    begin_sheet_export(key, by=request.actor)  # type: ignore[attr-defined]\n",
        "",
        _SHEETS,
    ),
    Guard(
        "no number is a formula",
        "indexsite/staff_numbers.py",
        'harmless(text.replace(TIE, " "))',
        'text.replace(TIE, " ")',
        _SHEETS,
    ),
    Guard(
        "the public page is off until staff turn it on",
        "indexsite/views.py",
        "if not is_public():",
        "if False:",
        _SHEETS,
    ),
    Guard(
        "the operation asks who turns the public page on",
        "indexsite/publishing.py",
        "    require_staff(by, MAY_RULE)\n",
        "",
        _SHEETS,
    ),
]
