"""The way in for the web server. What is wrong with settings or database ends the process."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "indexsite.settings")
whole_way = get_wsgi_application()

from audit.connections import close_all  # noqa: E402  # needs the settings
from indexsite.checks import refuse_problems  # noqa: E402  # needs the settings
from indexsite.short_path import ShortPath  # noqa: E402  # needs the settings
from indexsite.watching import watch  # noqa: E402  # needs the settings

application = ShortPath(whole_way)
watch.begin()  # in each process that is forked from this one

try:
    refuse_problems()
finally:
    close_all()  # this process is the parent of those that serve
