"""What protects the memory."""

from tests.guards import Guard

GUARDS = [
    Guard(
        "events are only recorded in a transaction",
        "audit/log.py",
        "if not transaction.get_connection().in_atomic_block:",
        "if False:",
        "tests/audit/test_log.py",
    ),
]
