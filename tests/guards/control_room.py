"""What protects the control room's acts and their trace."""

from tests.guards import Guard

GUARDS = [
    Guard(
        "the first upload of a list counts among those since",
        "projects/staff_acts.py",
        "number__gte=min(event.number for event in events)",
        "number__gt=min(event.number for event in events)",
        "tests/projects/test_quarantine.py"
        "::test_the_first_upload_that_a_filter_finds_is_among_them",
    ),
    Guard(
        "who goes back a stage leaves no brown-out behind",
        "uploads/operations/enforcement.py",
        "dropped, row.brown_outs = row.windows_after(now), []",
        "dropped = row.windows_after(now)",
        "tests/uploads/test_enforcement.py::test_going_back_drops_brown_outs_and_says_so",
    ),
    Guard(
        "of all processes one tells that the worker is late",
        "indexsite/watching.py",
        "return free.update(leased_until=now + LEASE) == 1",
        "return free.update(leased_until=now + LEASE) >= 0",
        "tests/indexsite/test_watching.py::test_of_eight_processes_that_find_out_one_tells",
    ),
    Guard(
        "a late worker is told of once",
        "indexsite/watching.py",
        "filter(key=WORKER, told_at=None)",
        "filter(key=WORKER)",
        "tests/indexsite/test_watching.py::test_of_eight_processes_that_find_out_one_tells",
    ),
]
