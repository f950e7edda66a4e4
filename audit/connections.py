"""Database connections around what is slow."""

from __future__ import annotations

from django.db import connection, connections


def give_back() -> None:
    """Hold no database connection during what follows, such as bytes that travel.

    It goes back to the pool of PostgreSQL, which has fewer than there are threads. SQLite has no
    pool and opens anew at some cost, so there it is kept. Within a transaction nothing happens.
    """
    if connection.vendor != "sqlite" and not connection.in_atomic_block:
        connection.close()


def close_all() -> None:
    """Leave no connection, and no thread of a pool, to the processes that this one will fork."""
    connections.close_all()
    for one in connections.all(initialized_only=True):
        if one.vendor == "postgresql":
            one.close_pool()  # type: ignore[attr-defined]  # of that kind alone
