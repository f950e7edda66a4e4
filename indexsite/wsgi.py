"""The way in for the web server. What is wrong with settings or database ends the process."""

import os

from django.core.handlers.wsgi import WSGIRequest
from django.core.wsgi import get_wsgi_application


class Utf8Request(WSGIRequest):
    """A request that is read as UTF-8, which all browsers and tools send, whatever it says itself.

    Django believes the charset of the Content-Type, and fails at some of those that Python knows:
    at once, or again on each page that is to say so.
    """

    @property
    def encoding(self) -> None:
        """The default of Django's, which is UTF-8."""

    @encoding.setter
    def encoding(self, value: str | None) -> None:
        """Nothing."""


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "indexsite.settings")
whole_way = get_wsgi_application()
whole_way.request_class = Utf8Request

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
