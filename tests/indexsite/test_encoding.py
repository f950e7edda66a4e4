"""Requests that say of themselves that they are no UTF-8, to a real server."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

import pytest

from tests.support.server import Site

pytestmark = pytest.mark.once
PART = 'Content-Disposition: form-data; name="account"\r\n\r\nalice\r\n'
FORMS = {
    "application/x-www-form-urlencoded": "account=alice",
    "multipart/form-data; boundary=x": f"--x\r\n{PART}--x--\r\n",
}


def ask(site: Site, path: str, kind: str, body: str | None = None) -> tuple[int, str]:
    """The status and the page."""
    connection = http.client.HTTPConnection(urlsplit(site.url).netloc, timeout=30)
    method = "GET" if body is None else "POST"
    connection.request(method, path, body, {"Content-Type": kind})
    response = connection.getresponse()
    page = response.read().decode()
    connection.close()
    return response.status, page


@pytest.mark.parametrize("name", ["utf-16", "base64", "idna", "undefined", "utf8", "?"])
def test_a_request_is_read_as_utf_8_whatever_it_says_of_itself(site: Site, name: str) -> None:
    status, page = ask(site, "/search/?q=%C3%A9%20", f"text/plain; charset={name}")
    assert (status, "Search for é" in page) == (200, True)
    assert ask(site, "/simple/?x=%20", f"text/plain; charset={name}")[0] == 200
    for kind, body in FORMS.items():
        path = "/account/password/reset/"
        status, page = ask(site, path, f"{kind}; charset={name}", body)
        assert (status, "<code>csrf</code>" in page) == (403, True)  # it was read, and has none
        assert ask(site, "/legacy/", f"{kind}; charset={name}", body)[0] in {400, 403}
