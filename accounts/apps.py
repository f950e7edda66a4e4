"""The first floor as Django knows it."""

from typing import Any

from django.apps import AppConfig
from django.db import connection
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """Registers our second factors with django-two-factor-auth."""

    name = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        """Replace the stock method, whose devices keep their secrets in clear."""
        from accounts import security_keys, verification  # noqa: F401  (declare purpose keys)
        from accounts.operations import (  # noqa: F401  (register mails)
            announcements,
            denials,
            emails,
            passwords,
        )
        from accounts.two_factor import register_methods

        register_methods()
        post_migrate.connect(make_staff_groups, sender=self)
        post_migrate.connect(make_switches, sender=self)


def make_staff_groups(**kwargs: Any) -> None:
    """Make the staff groups that are missing."""
    from django.contrib.auth.models import Group

    from audit.groups import EVERYBODY

    if Group._meta.db_table in connection.introspection.table_names():
        for name in sorted(EVERYBODY):
            Group.objects.get_or_create(name=name)


def make_switches(**kwargs: Any) -> None:
    """Make the rows of switches that are missing."""
    from accounts import switches
    from accounts.models import SwitchState

    if SwitchState._meta.db_table in connection.introspection.table_names():
        switches.create_missing()
