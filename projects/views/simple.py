"""The Simple API. Machines read it: no session, no user, no language."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.utils.http import parse_etags
from django.views.decorators.http import require_safe

from projects import json_api, names, simple
from projects.cache import pages

_reading_index = Lock()


@require_safe
def show_project(request: HttpRequest, name: str) -> HttpResponse:
    """One project: a query and remembered bytes."""
    if not names.is_normalized(name) or not request.path_info.endswith("/"):
        return _redirect(name)
    found = simple.find_project(name)
    if found is None:
        return _not_found()
    pk, serial = found
    return _answer(request, serial, lambda form: _project_body(pk, serial, form))


@require_safe
def show_index(request: HttpRequest) -> HttpResponse:
    """The names of all projects, at most a minute old."""
    if not request.path_info.endswith("/"):
        return _open_to_all(HttpResponsePermanentRedirect("/simple/"))
    serial = simple.index_serial.current()
    return _answer(request, serial, lambda form: _index_body(serial, form))


Body = tuple[int, bytes]


def _answer(
    request: HttpRequest, serial: int, find_body: Callable[[str], Body | None]
) -> HttpResponse:
    """A 304 if the client has this serial, else the body, with the serial that it really has."""
    form = simple.preferred_type(request)
    if _is_known(request, simple.etag(serial, form)):
        return _describe(HttpResponse(status=304), serial, form)
    body = find_body(form)
    if body is None:
        return _not_found()
    serial, content = body
    response = HttpResponse(b"" if request.method == "HEAD" else content)
    response["Content-Length"] = str(len(content))
    response["Content-Type"] = f"{form}; charset=utf-8" if form == simple.HTML else form
    return _describe(response, serial, form)


def _project_body(pk: object, serial: int, form: str) -> Body | None:
    content = pages.get((pk, serial, form))
    if content is not None:
        return serial, content
    page = simple.load_project(pk)
    if page is None:
        return None
    render = json_api.render_project if form == simple.V1_JSON else simple.render_project
    content = render(page)
    pages.put((pk, page.serial, form), content)
    return page.serial, content


def _index_body(serial: int, form: str) -> Body:
    with _reading_index:  # it may be long: whoever comes meanwhile takes what the first one made
        content = pages.get(("index", serial, form))
        if content is not None:
            return serial, content
        page = simple.load_index()
        render = json_api.render_index if form == simple.V1_JSON else simple.render_index
        content = render(page)
        pages.put(("index", page.serial, form), content)
        simple.index_serial.note(page.serial)
        return page.serial, content


def _is_known(request: HttpRequest, etag: str) -> bool:
    """Whether If-None-Match names what we would answer (RFC 9110, 13.1.2: weakly compared)."""
    given = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in given or any(known.removeprefix("W/") == etag for known in given)


def _describe(response: HttpResponse, serial: int, form: str) -> HttpResponse:
    response["ETag"] = simple.etag(serial, form)
    response["Vary"] = "Accept"
    response["Cache-Control"] = "public, max-age=600"
    response["X-PyPI-Last-Serial"] = str(serial)
    response["Access-Control-Expose-Headers"] = "ETag, X-PyPI-Last-Serial"
    return _open_to_all(response)


def _open_to_all(response: HttpResponse) -> HttpResponse:
    response["Access-Control-Allow-Origin"] = "*"
    return response


def _redirect(name: str) -> HttpResponse:
    """To the one address of a project, whether it exists or not."""
    try:
        names.check_name(name)
    except ValueError:
        return _not_found()
    return _open_to_all(HttpResponsePermanentRedirect(f"/simple/{names.normalize(name)}/"))


def _not_found() -> HttpResponse:
    response = HttpResponse("404 Not Found\n", status=404, content_type="text/plain; charset=utf-8")
    response["Cache-Control"] = "no-cache"
    return _open_to_all(response)
