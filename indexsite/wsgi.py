"""The way in for the web server."""

import os
import sys

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "indexsite.settings")
whole_way = get_wsgi_application()

from indexsite.short_path import ShortPath  # noqa: E402  # needs the settings

application = ShortPath(whole_way)


def refuse_a_wrong_start() -> None:
    """Stop with one sentence for each thing that is wrong with settings or database."""
    from django.db import connections

    from indexsite.checks import start_problems

    problems = start_problems()
    connections.close_all()  # this process is the parent of those that serve
    if connections["default"].vendor == "postgresql":
        connections["default"].close_pool()  # type: ignore[attr-defined]  # of that kind alone
    if problems:
        print(*problems, sep="\n", file=sys.stderr)
        sys.exit(3)  # gunicorn does not start a worker again that ends so while it boots


refuse_a_wrong_start()
