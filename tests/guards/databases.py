"""What keeps queries that are written once, and SQLite's line of writers, as safe as Django's."""

from tests.guards import Guard

_PREPARED = "tests/audit/test_prepared.py"
_SQLITE = "tests/indexsite/test_sqlite.py"

GUARDS = [
    Guard(
        "prepared queries lock within transactions only",
        "audit/prepared.py",
        "        if locks and not connection.in_atomic_block:\n",
        "        if False:\n",
        f"{_PREPARED}::test_rows_are_locked_within_transactions_only",
    ),
    Guard(
        "prepared queries take no argument that SQL writes otherwise",
        "audit/prepared.py",
        '    raise TypeError(f"{type(value).__name__} is no kind of argument.")\n',
        "    return value\n",
        f"{_PREPARED}::test_what_is_no_argument_is_refused",
    ),
    Guard(
        "a writer's turn ends with its transaction",
        "indexsite/sqlite/base.py",
        "        self._leave()\n        return done\n",
        "        return done\n",
        f"{_SQLITE}::test_the_turn_ends_with_the_transaction",
    ),
    Guard(
        "a writer's turn ends where its transaction cannot begin",
        "indexsite/sqlite/base.py",
        "            self._leave()\n            raise\n",
        "            raise\n",
        f"{_SQLITE}::test_the_turn_ends_where_the_transaction_cannot_begin",
    ),
    Guard(
        "whoever gave up gets no turn",
        "indexsite/sqlite/line.py",
        "            self._waiting.remove(turn)\n",
        "",
        f"{_SQLITE}::test_whoever_gives_up_holds_nobody_up",
    ),
    Guard(
        "nobody goes through the gate twice while another waits",
        "indexsite/sqlite/line.py",
        "        if not self._take(_PLACE, end):\n",
        "        if False:\n",
        f"{_SQLITE}::test_nobody_goes_through_twice_while_another_process_waits",
    ),
    Guard(
        "the worker copies the log into the database",
        "indexsite/worker.py",
        "            copy_log()\n",
        "",
        "tests/indexsite/test_sqlite.py::test_the_worker_copies_the_log_into_the_database",
    ),
    Guard(
        "a word is found as a whole alone",
        "projects/search.py",
        '["instr(entry.text, %s) > 0"]',
        '["instr(entry.text, %s) >= 0"]',
        "tests/projects/test_search.py::test_what_is_found",
    ),
    Guard(
        "owners throw out intruders from blocked addresses",
        "indexsite/read_only.py",
        "DENIES, ",
        "",
        "tests/accounts/test_address_ranges.py"
        "::test_an_owner_throws_an_intruder_out_from_there_with_the_link",
    ),
    Guard(
        "nobody relies on what somebody is changing",
        "indexsite/sqlite/base.py",
        "        return None if count % 2 else count\n",
        "        return count\n",
        "tests/projects/test_known.py::test_nobody_relies_on_a_count_whose_keeper_died",
    ),
    Guard(
        "each change of the database is counted",
        "indexsite/sqlite/base.py",
        "        changes.begin()\n",
        "",
        "tests/projects/test_known.py::test_a_change_by_another_process_counts",
    ),
    Guard(
        "a process that has more clients leaves a new one to others",
        "indexsite/gunicorn.py",
        "            time.sleep(TURN)\n",
        "            pass\n",
        "tests/indexsite/test_web_server.py::test_a_client_goes_to_the_process_that_has_fewer",
    ),
]
