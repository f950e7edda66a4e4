"""The doors of machines that read: no session, no user, no language."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from projects import names, reading
from projects.reading import Answer, Part, Question
from projects.views.readable import readable


@readable
def show_project(request: HttpRequest, name: str) -> HttpResponseBase:
    """A project in the Simple API."""
    if not names.is_normalized(name) or not request.path_info.endswith("/"):
        return as_response(reading.redirect(name))
    return as_response(reading.show_project(name, Question.of(request.META)))


@readable
def show_index(request: HttpRequest) -> HttpResponseBase:
    """The names of all projects."""
    if not request.path_info.endswith("/"):
        return as_response(reading.moved("/simple/"))
    return as_response(reading.show_index(Question.of(request.META)))


@readable
def send_file(request: HttpRequest, digest: str, filename: str) -> HttpResponseBase:
    """An artifact, or a part of it."""
    return as_response(reading.send_file(digest, filename, Question.of(request.META)))


@readable
def send_metadata(request: HttpRequest, digest: str, filename: str) -> HttpResponseBase:
    """The core metadata of a wheel."""
    return as_response(reading.send_metadata(digest, filename, Question.of(request.META)))


def as_response(answer: Answer) -> HttpResponseBase:
    """An answer as Django sends it."""
    make = StreamingHttpResponse if isinstance(answer.body, Part) else HttpResponse
    response: HttpResponseBase = make(answer.body, status=answer.status, reason=answer.reason)
    response.headers.pop("Content-Type")
    for name, value in answer.headers:
        response[name] = value
    return response
