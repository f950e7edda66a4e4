"""What keeps blocked network addresses out, and staff in."""

from tests.guards import Guard

_TESTS = "tests/accounts/test_address_ranges.py"
_OPERATIONS = "accounts/operations/address_ranges.py"
GUARDS = [
    Guard(
        "nobody signs in from a blocked address",
        "accounts/obstacles.py",
        'return vars(rows[0])["is_blocked"], switches',
        "return False, switches",
        f"{_TESTS}::test_nobody_signs_in_from_a_blocked_address",
    ),
    Guard(
        "no form of a stranger, and no upload, from a blocked address",
        "indexsite/read_only.py",
        "        if is_blocked:\n            return _refuse_address(request)\n",
        "",
        f"{_TESTS}::test_an_upload_from_there_is_refused_in_one_line_before_its_body_is_read",
    ),
    Guard(
        "an owner stops a recovery case from a blocked address",
        "indexsite/read_only.py",
        ", STOPS_RECOVERY}",
        "}",
        f"{_TESTS}::test_an_owner_stops_a_recovery_case_from_there_with_the_link",
    ),
    Guard(
        "nothing else is taken from a blocked address",
        "indexsite/read_only.py",
        ", STOPS_RECOVERY}",
        ', STOPS_RECOVERY, "accounts:set-up"}',
        f"{_TESTS}::test_nothing_but_what_is_listed_is_taken_from_there",
    ),
    Guard(
        "a block ends",
        "accounts/models/ranges.py",
        "Q(ends_at=None) | Q(ends_at__gt=now)",
        "Q()",
        f"{_TESTS}::test_a_block_is_over_at_its_end_and_that_is_recorded_once",
    ),
    Guard(
        "nobody blocks their own address",
        _OPERATIONS,
        "if any(covers(new, key) for key in own):",
        "if False:",
        f"{_TESTS}::test_nobody_blocks_the_address_that_they_work_from",
    ),
    Guard(
        "nobody blocks the address of another session of theirs",
        _OPERATIONS,
        " | found.get(by.id, set())",
        "",
        f"{_TESTS}::test_nobody_blocks_the_address_of_another_session_of_theirs",
    ),
    Guard(
        "somebody is left who can lift a block",
        _OPERATIONS,
        "if known and all(covers(blocked, key) for key in known):",
        "if False:",
        f"{_TESTS}::test_staff_in_two_places_do_not_block_each_other",
    ),
    Guard(
        "a range of many people is confirmed",
        _OPERATIONS,
        "if count > SHARED_BY:",
        "if False:",
        f"{_TESTS}::test_a_range_that_six_people_use_is_to_be_confirmed",
    ),
    Guard(
        "a wide range is confirmed",
        _OPERATIONS,
        "elif is_wide(network):",
        "elif False:",
        f"{_TESTS}::test_a_wide_range_is_to_be_typed_twice_on_the_page",
    ),
    Guard(
        "only the same range typed again confirms",
        "accounts/staff_twice.py",
        "return self.read(again) == first",
        "return bool(again)",
        f"{_TESTS}::test_a_wide_range_is_to_be_typed_twice_on_the_page",
    ),
    Guard(
        "only some staff block addresses",
        _OPERATIONS,
        "    require_staff(by, MAY_HELP)\n    network",
        "    network",
        f"{_TESTS}::test_the_operations_refuse_whoever_may_not",
    ),
    Guard(
        "only some staff lift blocks",
        _OPERATIONS,
        "    require_staff(by, MAY_HELP)\n    if not",
        "    if not",
        f"{_TESTS}::test_the_operations_refuse_whoever_may_not",
    ),
]
