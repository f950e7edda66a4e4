"""The short path: answers to pip and its like, before Django's handler.

What a client that follows the index asks for is read by `projects.reading`, as by Django's views,
and sent with the headers that the middleware would add. Whatever is out of the ordinary, such as
another spelling, another host or an error, goes the whole way.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from csp.middleware import CSPMiddleware
from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.db import connection
from django.http import HttpResponse
from django.http.request import split_domain_port, validate_host
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware
from django_permissions_policy import PermissionsPolicyMiddleware

from audit.connections import give_back
from projects import reading
from projects.reading import CHUNK, Answer, Headers, Part, Question

logger = logging.getLogger(__name__)
_MIDDLEWARE: Any = (
    XFrameOptionsMiddleware,
    PermissionsPolicyMiddleware,
    CSPMiddleware,
    SecurityMiddleware,
)
Application = Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]


class ShortPath:
    """A WSGI application before another."""

    def __init__(self, whole_way: Application) -> None:
        self.whole_way = whole_way

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer, or pass on."""
        answer = find_answer(environ)
        is_head = environ["REQUEST_METHOD"] == "HEAD"
        if answer is None:
            body = self.whole_way(environ, start_response)
            return _without_content(body) if is_head else body
        status = f"{answer.status.value} {answer.reason}"
        start_response(status, answer.headers + site_headers())
        if not isinstance(answer.body, Part):
            return [] if is_head else [answer.body]
        wrap = environ.get("wsgi.file_wrapper")  # the web server then has the kernel send it
        return wrap(answer.body.source, CHUNK) if wrap and is_real(answer.body) else answer.body


def _without_content(body: Iterable[bytes]) -> Iterable[bytes]:
    """Nothing, and an end to the answer: the web server drops what it is given for a HEAD, and
    writes a line into the log each time.
    """
    if hasattr(body, "close"):
        body.close()
    return []


def is_real(part: Part) -> bool:
    """Whether it is of a file of this machine, and not of a bucket."""
    try:
        return part.source.fileno() >= 0
    except OSError:
        return False


def find_answer(environ: WSGIEnvironment) -> Answer | None:
    """The answer to an ordinary request for a page or file; None for everything else."""
    if not is_ordinary(environ):
        return None
    try:
        return reading.answer(environ["PATH_INFO"], Question.of(environ))
    except Exception:  # whatever it is, Django's own way answers, and says it better
        logger.warning("The short path failed; the request goes the whole way.", exc_info=True)
        if not connection.in_atomic_block:
            connection.close()
        return None
    finally:
        give_back()


def is_ordinary(environ: WSGIEnvironment) -> bool:
    """Whether this is a GET or HEAD of an index page or file, at the site's own name."""
    return (
        environ["PATH_INFO"].startswith(("/simple/", "/files/"))
        and environ["REQUEST_METHOD"] in {"GET", "HEAD"}
        and not environ.get("QUERY_STRING")
        and not environ.get("SCRIPT_NAME")
        and _is_known_host(environ.get("HTTP_HOST", ""), tuple(settings.ALLOWED_HOSTS))
    )


@lru_cache(maxsize=64)
def _is_known_host(host: str, allowed: tuple[str, ...]) -> bool:
    domain, _port = split_domain_port(host)
    return bool(domain) and validate_host(domain, allowed)


def site_headers() -> Headers:
    """What the middleware adds to every answer. It depends on settings alone, so it is made once.

    HSTS is sent wherever the site is one of TLS: browsers ignore it on plain HTTP.
    """
    return _headers_for("https" if settings.SITE_IS_SECURE else "http")


@lru_cache(maxsize=2)
def _headers_for(scheme: str) -> Headers:
    request = WSGIRequest(
        {"REQUEST_METHOD": "GET", "wsgi.url_scheme": scheme, "wsgi.input": io.BytesIO()}
    )
    get_response: Callable[[Any], Any] = _send_nothing
    for middleware in _MIDDLEWARE:
        get_response = middleware(get_response)
    return [header for header in get_response(request).items() if header[0] != "Content-Type"]


def _send_nothing(request: Any) -> HttpResponse:
    return HttpResponse()
