"""How long the staff pages of events take: `python -m benchmarks.event_pages [ROUNDS] [--quick]`.

On SQLite and on PostgreSQL, with a million events that `benchmarks.fill_events` has made: signs
somebody in as an administrator, asks for each page several times, one after another, and keeps the
median of the server's time in milliseconds, which should stay below 200. The first run fills the
databases, which takes minutes; the result is `benchmarks/results/event_pages.json`.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from urllib.parse import urlencode

import django

from benchmarks import event_sites, results
from benchmarks.servers import ROOT

ALLOWED = 200  # milliseconds
EVENTS, FEW_EVENTS = 1_000_000, 20_000
HERE = "--here"  # measure the site of this environment, and print the numbers


def addresses() -> dict[str, str]:
    """What is asked for, by what it is called."""
    from audit.models import ChainHead, Event

    last = ChainHead.objects.get(pk=1).number
    middle = Event.objects.get(number=last // 2)
    token = Event.objects.filter(credential="token", number__lt=last // 2).latest("number")
    day = middle.recorded_at.strftime("%Y-%m-%dT%H:%M")
    filters: dict[str, dict[str, str]] = {
        "everything": {},
        "everything, in the middle": {"before": str(last // 2)},
        "family": {"family": "sign-in"},
        "kind": {"kind": "token:token:revoked"},
        "outcome failed": {"outcome": "failed"},
        "outcome done": {"outcome": "done"},
        "period": {"until": day},
        "busy actor": {"actor": "person-0000"},
        "rare actor": {"actor": "person-1900"},
        "busy project": {"project": "project-0000"},
        "rare project": {"project": "project-2900"},
        "account by id": {"account": middle.actor_id or token.actor_id},
        "network address": {"network": "10.3.150.7"},
        "small range": {"network": "10.3.150.0/24"},
        "large range": {"network": "10.0.0.0/8"},
        "middle range": {"network": "10.3.0.0/16"},
        "token": {"used_key": token.credential_id},
        "actor, family, outcome": {
            "actor": "person-0001",
            "family": "upload",
            "outcome": "failed",
            "until": day,
        },
        "two that seldom meet": {"actor": "person-0002", "project": "project-0900"},
        "two that never meet": {"kind": "token:token:revoked", "project": "project-0000"},
        "search for a name": {"q": "person-1500"},
        "search for two names": {"q": "person-0000, project-0100"},
        "search for a part of a name": {"q": "roject-29"},
        "search for what is nowhere": {"q": "zebra"},
        "search for a range": {"q": "2001:db8:1::/48"},
        "nothing like it": {"actor": "nobody", "family": "token"},
    }
    found = {name: f"/admin/audit/event/?{urlencode(query)}" for name, query in filters.items()}
    for page in ("signinevent", "tokencreationevent", "tokenrevocationevent", "refusalevent"):
        found[f"page of {page}"] = f"/admin/audit/{page}/"
    found["one event"] = f"/admin/audit/event/{last // 3}/change/"
    return {**found, "index": "/admin/", "numbers": "/admin/numbers/"}


def measure(rounds: int) -> dict[str, float]:
    """The median of each page, on the site whose environment this is."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "indexsite.settings")
    django.setup()
    from django.test import Client

    from indexsite import gauges
    from indexsite.jobs import count_events
    from tests.support.people import make_person, sign_in

    count_events()
    gauges.measure()
    client = Client(SERVER_NAME="localhost", REMOTE_ADDR="192.0.2.17")
    sign_in(client, make_person("benchmark", is_administrator=True))
    found = {}
    for name, address in addresses().items():
        times = []
        for _turn in range(rounds):
            began = time.perf_counter()
            response = client.get(address)
            times.append((time.perf_counter() - began) * 1000)
            if response.status_code != 200:
                raise SystemExit(f"{address} answered {response.status_code}")
        found[name] = statistics.median(times)
        print(
            f"{found[name]:7.0f} ms  (first {times[0]:5.0f})  {name}", file=sys.stderr, flush=True
        )
    return found


def main() -> int:
    """Measure, and keep the result."""
    if sys.argv[1:2] == [HERE]:
        print(json.dumps(measure(int(sys.argv[2]))))
        return 0
    options = results.options(__doc__, rounds=5)
    events = FEW_EVENTS if options.quick else EVENTS
    databases = (event_sites.SQLITE, event_sites.POSTGRESQL)
    command = [sys.executable, "-m", "benchmarks.event_pages", HERE, str(options.rounds)]
    found: list[dict[str, float]] = []
    for database in databases:
        with event_sites.filled(database, events) as environment:
            print(f"{database}, {events:,} events", flush=True)
            result = subprocess.run(
                command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
            )
        found.append(json.loads(result.stdout))
    header = [f"{events:,} events, milliseconds", *databases]
    rows = [[name, *(f"{times[name]:.0f}" for times in found)] for name in found[0]]
    rows.append([f"pages of {ALLOWED} ms or more", *[str(_slow(times)) for times in found]])
    values = dict(zip(databases, map(_slow, found), strict=True))
    results.keep(
        "event_pages", {"table": [header, *rows], "values": values}, is_trial=options.quick
    )
    return 1 if any(map(_slow, found)) else 0


def _slow(times: dict[str, float]) -> int:
    return sum(time >= ALLOWED for time in times.values())


if __name__ == "__main__":
    sys.exit(main())
