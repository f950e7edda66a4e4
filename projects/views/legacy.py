"""What tools of before the Simple API's JSON ask for."""

from __future__ import annotations

import gzip

from django.conf import settings
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotModified,
    HttpResponsePermanentRedirect,
)
from django.utils.http import parse_etags
from django.views.decorators.csrf import csrf_exempt

from projects import classifiers, legacy_json, names, reading, simple
from projects.models import Project
from projects.views.readable import readable

_JSON = "application/json"
_TEXT = "text/plain; charset=utf-8"


@readable
def show_project(request: HttpRequest, name: str, version: str = "") -> HttpResponse:
    """A project and its latest release, or the one that is asked for."""
    if not names.is_normalized(name):
        return _redirect(name, version)
    project = Project.objects.listed().filter(normalized_name=name).first()
    try:
        wanted = names.canonical_version(version) if version else ""
    except ValueError:
        project = None
    if project is None:
        return _open_to_all(_not_found())
    is_gzipped = simple.takes_gzip(request.headers.get("Accept-Encoding", ""))
    etag = f'"{project.serial}-{wanted}-json{".gz" if is_gzipped else ""}-{simple.edition()}"'
    known = {one.removeprefix("W/") for one in _known(request)}
    if etag in known:
        response: HttpResponse = HttpResponseNotModified()
    else:
        packed = legacy_json.find_packed(project, wanted)
        if packed is None:
            return _open_to_all(_not_found())
        is_known = "*" in known  # which names whatever there is
        response = HttpResponseNotModified() if is_known else _document(packed, is_gzipped)
    response["ETag"] = etag
    response["Vary"] = "Accept-Encoding"
    response["Cache-Control"] = reading.CACHE_CONTROL
    response["X-PyPI-Last-Serial"] = str(project.serial)
    return _open_to_all(response)


def _document(packed: bytes, is_gzipped: bool) -> HttpResponse:
    response = HttpResponse(packed if is_gzipped else gzip.decompress(packed), content_type=_JSON)
    if is_gzipped:
        response["Content-Encoding"] = "gzip"
    return response


def _known(request: HttpRequest) -> list[str]:
    return parse_etags(request.headers.get("If-None-Match", ""))


def _redirect(name: str, version: str) -> HttpResponse:
    try:
        names.check_name(name)
    except ValueError:
        return _open_to_all(_not_found())
    middle = f"/{version}" if version else ""
    path = f"/pypi/{names.normalize(name)}{middle}/json"
    return _open_to_all(HttpResponsePermanentRedirect(path))


def _not_found() -> HttpResponse:
    response = HttpResponse('{"message": "Not Found"}', status=404, content_type=_JSON)
    response["Cache-Control"] = "no-cache"
    return response


def _open_to_all(response: HttpResponse) -> HttpResponse:
    response["Access-Control-Allow-Origin"] = "*"
    return response


@csrf_exempt
def answer_actions(request: HttpRequest) -> HttpResponse:
    """`?:action=list_classifiers`; XML-RPC had this address, and is not built.

    Uploads had it too: tools print the reason phrase, or the body.
    """
    if request.GET.get(":action") == "list_classifiers":
        return list_classifiers(request)
    if request.method == "POST" and request.content_type != "text/xml":
        said = (
            f"Nothing is uploaded here any more: the upload address is {settings.SITE_URL}/legacy/"
        )
        return HttpResponse(f"{said}\n", status=410, reason=said, content_type=_TEXT)
    said = (
        "This site has no XML-RPC. "
        f"Read {settings.SITE_URL}/simple/ or {settings.SITE_URL}/pypi/PROJECT/json instead.\n"
    )
    if request.content_type == "text/xml":
        fault = (
            '<?xml version="1.0"?><methodResponse><fault><value><struct>'
            "<member><name>faultCode</name><value><int>-32601</int></value></member>"
            f"<member><name>faultString</name><value><string>{said.strip()}</string></value>"
            "</member></struct></value></fault></methodResponse>\n"
        )
        return HttpResponse(fault, content_type="text/xml; charset=utf-8")
    return HttpResponse(said, status=410, content_type=_TEXT)


@readable
def list_classifiers(request: HttpRequest) -> HttpResponse:
    """All classifiers, one a line."""
    return HttpResponse(classifiers.plain_list(), content_type=_TEXT)
