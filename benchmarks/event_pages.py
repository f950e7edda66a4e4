"""How long the staff pages of events take: `python -m benchmarks.event_pages [LIMIT]`.

Needs the environment of a site that `benchmarks.fill_events` has filled. Signs somebody in as an
administrator, asks for each page several times, and prints the median server time in milliseconds.
Each must stay below 200, or below LIMIT.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from urllib.parse import urlencode

import django

ALLOWED = 200  # milliseconds
TURNS = 5


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


def main() -> int:
    """Measure; 0 if each page is quick enough."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "indexsite.settings")
    django.setup()
    from django.test import Client

    from indexsite.gauges import measure
    from indexsite.jobs import count_events
    from tests.support.people import make_person, sign_in

    began = time.perf_counter()
    print(f"{count_events()} events rolled up in {time.perf_counter() - began:.1f} s", flush=True)
    measure()

    allowed = int(sys.argv[1]) if len(sys.argv) > 1 else ALLOWED
    client = Client(SERVER_NAME="localhost", REMOTE_ADDR="192.0.2.17")
    sign_in(client, make_person("benchmark", is_administrator=True))
    slow = []
    for name, address in addresses().items():
        times = []
        for _turn in range(TURNS):
            began = time.perf_counter()
            response = client.get(address)
            times.append((time.perf_counter() - began) * 1000)
            if response.status_code != 200:
                raise SystemExit(f"{address} answered {response.status_code}")
        median = statistics.median(times)
        print(f"{median:7.0f} ms  (first {times[0]:5.0f})  {name}", flush=True)
        if median >= allowed:
            slow.append(name)
    print(*[f"TOO SLOW: {name}" for name in slow], sep="\n")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
