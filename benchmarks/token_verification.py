"""What verifying an API token costs: `python -m benchmarks.token_verification [ROUNDS]`.

Makes a site in a throw-away folder, and a token for one project that was narrowed twice offline, so
that it carries 4 caveats; verifies it again and again as the upload endpoint does: text, signature,
row, and the caveats for an upload. Prints the queries of one
verification, the CPU time of it, and of pymacaroons alone for parsing and HMAC.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable

ALLOWED_QUERIES = 1
ALLOWED_EXTRA = 0.3  # milliseconds of CPU beyond pymacaroons, without the query
_TURNS = 20


def set_up(folder: str) -> None:
    """A site of its own."""
    os.environ |= {
        "INDEXSITE_DATA": folder,
        "SECRET_KEY": "for a benchmark " * 4,
        "DATABASE_URL": "",
        "DJANGO_SETTINGS_MODULE": "indexsite.settings",
    }
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def make_token() -> tuple[str, str, str]:
    """The text of a token with 4 caveats, and the name and id of a project that it is for."""
    from tests.support.people import make_person
    from tests.support.uploading import grant_for
    from tests.tokens.keys import make, project_of
    from tokens import macaroons

    alice = make_person("alice")
    foo = project_of(alice, "foo")
    _token, text = make(alice, grant=grant_for(foo))
    end = int(time.time()) + 3600
    narrow = macaroons.attenuate(text, [f"[0,{end},0]", '[1000,["upload"]]'])
    return narrow, foo.normalized_name, str(foo.pk)


def cpu_of(function: Callable[[], object], rounds: int) -> float:
    """Milliseconds of CPU for one call: the median of several turns."""
    function()
    turns = []
    for _turn in range(_TURNS):
        began = time.thread_time()
        for _round in range(rounds):
            function()
        turns.append((time.thread_time() - began) / rounds * 1000)
    return statistics.median(turns)


def measure(rounds: int) -> tuple[int, float, float, float]:
    """Queries; milliseconds of CPU of pymacaroons, of all without the query, and of all."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from pymacaroons import Macaroon, Verifier

    from audit import keyring
    from tokens import credentials, macaroons
    from tokens.models import APIToken

    text, name, project_id = make_token()
    parsed = macaroons.parse(text)
    row = APIToken.objects.select_related("user").get(pk=parsed.identifier)
    key = keyring.unwrap(credentials.ROOT_KEYS, row.root_key, context=f"token:{row.pk}")
    verifier = Verifier()
    verifier.satisfy_general(lambda caveat: True)

    def bare() -> None:
        verifier.verify(Macaroon.deserialize(text.removeprefix("pypi-")), key)

    def whole() -> None:
        opened = credentials.open_token(text, network_address="192.0.2.1")
        opened.require("upload", project_name=name, project_id=project_id)

    def without_query() -> None:
        opened = credentials.open_row(macaroons.parse(text), row, network_address="192.0.2.1")
        opened.require("upload", project_name=name, project_id=project_id)

    whole()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        whole()
    times = (cpu_of(function, rounds) for function in (bare, without_query, whole))
    return (len(queries), *times)  # type: ignore[return-value]


def main() -> int:
    """Measure; 0 if it is as cheap as it should be."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with tempfile.TemporaryDirectory(prefix="indexsite-benchmark-") as folder:
        set_up(folder)
        queries, bare, without_query, whole = measure(rounds)
    extra = without_query - bare
    print(f"queries of a verification             {queries}")
    print(f"pymacaroons alone                     {bare:.3f} ms of CPU")
    print(f"verification without its query        {without_query:.3f} ms: {extra:.3f} ms more")
    print(f"verification with its query           {whole:.3f} ms")
    return 0 if queries <= ALLOWED_QUERIES and extra < ALLOWED_EXTRA else 1


if __name__ == "__main__":
    sys.exit(main())
