"""The ground floor as Django knows it."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.db import connection
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class AuditConfig(AppConfig):
    """Discovers every app's words, and keeps the database's guards in place."""

    name = "audit"
    verbose_name = _("Audit log")

    def ready(self) -> None:
        """Import each app's `events.py`, and look after each migration."""
        for config in apps.get_app_configs():
            if find_spec(f"{config.name}.events") is not None:
                import_module(f"{config.name}.events")
        post_migrate.connect(restore_guards, sender=self)


def restore_guards(**kwargs: Any) -> None:
    """Make triggers and keys that are missing; a migration may have dropped the former."""
    from audit import keyring, rights, triggers

    tables = set(connection.introspection.table_names())
    if not {"audit_event", "audit_eventsubject", "audit_purposekey"} <= tables:
        return  # migrating backwards, past the first migration
    triggers.create()
    keyring.create_missing()
    if settings.APPLICATION_DATABASE_ROLE and connection.vendor == "postgresql":
        rights.grant_application_rights(settings.APPLICATION_DATABASE_ROLE)
