"""What the application's own database role may do, where migrations run under another one."""

from __future__ import annotations

from django.db import connection

from audit.triggers import TABLES


def grant_application_rights(role: str) -> None:
    """Let `role` read and write every table, but only read and insert events. PostgreSQL only."""
    name = connection.ops.quote_name(role)
    append_only = ", ".join(TABLES)
    statements = [
        f"GRANT USAGE ON SCHEMA public TO {name}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {name}",
        f"REVOKE UPDATE, DELETE, TRUNCATE ON {append_only} FROM {name}",
    ]
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
