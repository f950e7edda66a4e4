"""Prepares a site for the tests: a data folder, a secret key and a database of its own.

The settings read the environment when they are imported, so all of it is set before that, in
`pytest_configure`; only then are the rooms of tests/support loaded, which import models.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from importlib import import_module
from typing import Any

import pytest

# What a developer's shell may hold and no test may see
SITE_VARIABLES = (  # noqa: SIM905
    "ACCESS_LOG APPLICATION_DATABASE_URL APPLICATION_DATABASE_URL_FILE BREACHED_PASSWORDS_URL "
    "BREACHED_PASSWORDS_URL_FILE DATABASE_PASSWORD "
    "DATABASE_PASSWORD_FILE DATABASE_URL DATABASE_URL_FILE DEBUG DEBUG_FILE EMAIL_URL "
    "EMAIL_URL_FILE FORMER_SITE_NAMES HOST IMAGE_PROXY IMAGE_PROXY_KEY MAIL_FROM "
    "MIGRATE_DATABASE_URL NEW_PROJECTS_PER_ADDRESS NEW_PROJECTS_PER_USER "
    "PORT PROJECT_SIZE_LIMIT_GIB PUBLIC_INDEX_RULES REFUSE_DIRECT_URLS REFUSE_LOCAL_VERSIONS "
    "REFUSE_OTHER_PLATFORMS REFUSE_PRIVATE_CLASSIFIERS REFUSE_STANDARD_LIBRARY_NAMES "
    "RECOVERY_WAITING_DAYS REGISTRATION RELEASE_OPEN_DAYS S3_ACCESS_KEY S3_ACCESS_KEY_FILE "
    "S3_BUCKET S3_DOWNLOADS "
    "S3_ENDPOINT_URL S3_PREFIX S3_REGION S3_SECRET_KEY S3_SECRET_KEY_FILE TOKEN_MAX_DAYS "
    "SECOND_FACTOR_REQUIRED SECOND_FACTOR_REQUIRED_FROM "
    "SECRET_KEY_FALLBACKS SECRET_KEY_FALLBACKS_FILE SECRET_KEY_FILE SECURITY_CONTACT "
    "SEND_FILES_BY SITE_NAME STAFF_NETWORKS TRUSTED_PROXIES UPLOAD_SIZE_LIMIT_MIB WEBAUTHN_RP_ID "
    "WEB_THREADS WEB_WORKERS"
).split()
SUPPORT = ("clone", "people", "mailbox", "server", "chromium")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the choice of a database."""
    parser.addoption(
        "--database",
        choices=("sqlite", "postgresql"),
        default="sqlite",
        help="the kind of database that the tests run on; a PostgreSQL server is started for them",
    )
    parser.addoption(
        "--long", action="store_true", help="run the tests that take long, and those alone"
    )
    parser.addoption(
        "--write-docs", action="store_true", help="let tests write the documents that they compare"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Set the environment, load the settings, then the fixtures that need them."""
    from django.conf import settings

    if settings.configured:
        raise pytest.UsageError("Unset DJANGO_SETTINGS_MODULE: the tests make their own settings.")
    is_worker = hasattr(config, "workerinput")  # of pytest-xdist: inherits the server's address
    database_url = os.environ.get("DATABASE_URL", "") if is_worker else ""
    for name in [*SITE_VARIABLES, *(name for name in os.environ if name.startswith("LIMIT_"))]:
        os.environ.pop(name, None)
    data = tempfile.mkdtemp(prefix="indexsite-test-")
    config.add_cleanup(lambda: shutil.rmtree(data, ignore_errors=True))
    if config.getoption("--database") == "postgresql":
        os.environ["DATABASE_URL"] = database_url or _start_postgres(config)
    os.environ["INDEXSITE_DATA"] = data
    os.environ["SECRET_KEY"] = "for-tests-" * 6
    os.environ["SITE_URL"] = "http://localhost:8000"
    os.environ["DJANGO_SETTINGS_MODULE"] = "indexsite.settings"

    import django

    django.setup()
    # Workers of pytest-xdist inherit the environment, and must come here before they load settings.
    del os.environ["DJANGO_SETTINGS_MODULE"]
    for room in SUPPORT:
        pytest.register_assert_rewrite(f"tests.support.{room}")
        config.pluginmanager.register(import_module(f"tests.support.{room}"))


def _start_postgres(config: pytest.Config) -> str:
    """The address of a PostgreSQL server that ends with the run."""
    from tests.support.postgres import PostgresServer

    server = PostgresServer()
    started = server.__enter__()
    config.add_cleanup(lambda: server.__exit__(None, None, None))
    return started.url


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes long, and on PostgreSQL what does not depend on the kind of database."""
    is_long = config.getoption("--long")
    by_length: dict[bool, list[pytest.Item]] = {True: [], False: []}
    for item in items:
        by_length[bool(item.get_closest_marker("long"))].append(item)
    config.hook.pytest_deselected(items=by_length[not is_long])
    items[:] = by_length[is_long]
    if config.getoption("--database") == "sqlite":
        return
    once = [item for item in items if item.get_closest_marker("once")]
    if once:
        config.hook.pytest_deselected(items=once)
        items[:] = [item for item in items if not item.get_closest_marker("once")]


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> None:
    """Hash passwords with the same algorithm at a fraction of its cost: 100 MiB otherwise."""
    from accounts.hashers import LimitedArgon2PasswordHasher

    LimitedArgon2PasswordHasher.time_cost = 1
    LimitedArgon2PasswordHasher.memory_cost = 8  # KiB
    LimitedArgon2PasswordHasher.parallelism = 1


@pytest.fixture(autouse=True)
def _unread_static_files(settings: Any) -> None:
    """Spare every test client the walk through the folders of static files."""
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture
def is_postgresql() -> bool:
    """Whether this run is on PostgreSQL."""
    from django.db import connection

    return connection.vendor == "postgresql"
