"""What holds for every request."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from accounts.limits import LimitReached
from indexsite.middleware import LimitMiddleware, TrustedProxyMiddleware
from projects.views import pages
from tests.support.people import Browser, Person
from tests.support.uploading import said


@pytest.mark.parametrize(
    "path",
    [
        "/files/aa/bb/" + "c" * 60 + "/%00.whl",
        "/files/aa/bb/" + "c" * 60 + "/x%00.metadata",
        "/simple/%00/",
        "/project/%00/",
        "/manage/project/%00/history/",
        "/admin/projects/project/?status__exact=%00",
        "/admin/audit/event/?family=%00",
        "/admin/accounts/outboxmail/?notice=%00",
    ],
)
def test_a_nul_in_an_address_is_the_senders_mistake(
    browser: Browser, sam: Person, path: str
) -> None:
    assert browser(sam).get(path).status_code in {400, 404}
    assert Client().get(path).status_code in {400, 404}


@pytest.mark.parametrize("path", ["/legacy/?x=%00", "/legacy/%00", "/simple/%00/", "/?x=%00"])
def test_tools_are_told_what_is_wrong_with_an_address(db: None, path: str) -> None:
    for ask in (Client().post, Client().get):
        response = ask(path)
        assert response.status_code == 400
        assert said(response) == "The address holds a NUL character."


@pytest.mark.parametrize("path", ["/legacy/", "/simple/", "/simple/foo/", "/pypi/foo/json"])
def test_tools_that_use_another_name_of_the_site_are_told_its_own(db: None, path: str) -> None:
    for ask in (Client().post, Client().get):
        response = ask(path, headers={"Host": "192.0.2.1:8000"})
        assert response.status_code == 400
        assert said(response).startswith("The address of this site is http://localhost:8000, and")


@pytest.mark.parametrize("path", ["/upload/", "/legacy//", "/legacy/x/", "/somebody/dev/"])
def test_an_upload_tool_whose_address_is_wrong_learns_the_right_one(db: None, path: str) -> None:
    client = Client(enforce_csrf_checks=True, SERVER_NAME="localhost")
    tool = {"Authorization": "Basic eDp5"}
    response = client.post(path, {":action": "file_upload", "name": "foo"}, headers=tool)
    assert response.status_code == 404
    assert said(response).startswith("There is nothing at this address. Upload to http://local")
    for page in (client.get(path, headers=tool), client.post(path, {})):
        assert page.status_code == 404
        assert page["Content-Type"].startswith("text/html")


def test_who_yanks_at_a_wrong_address_is_not_sent_to_the_one_of_uploads(db: None) -> None:
    response = Client(SERVER_NAME="localhost").post(
        "/api/v1/projects/foo/1.0/yank", headers={"Authorization": "Basic eDp5"}
    )
    assert response.status_code == 404
    assert "/api/v1/projects/<name>/releases/<version>/yank" in said(response)
    assert "/legacy/" not in said(response)


def test_people_who_use_another_name_of_the_site_are_led_to_its_own(db: None) -> None:
    response = Client().get("/search/", headers={"Host": "evil.example.org"})
    assert response.status_code == 400
    assert '<a href="http://localhost:8000/">http://localhost:8000</a>' in response.text
    assert "cannot be understood" not in response.text
    assert "evil" not in response.text


def test_tools_are_told_that_a_request_is_malformed(db: None) -> None:
    query = "&".join(f"a{number}=1" for number in range(10_001))
    assert said(Client().get(f"/pypi?{query}")).startswith("The request is malformed: it has too")
    page = Client().get(f"/search/?{query}")
    assert page.status_code == 400
    assert "it may have been copied incompletely" in page.text


@pytest.mark.parametrize("path", ["/nowhere/", "/account/sign-in/", "/admin/"])
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", "x"),
        ("multipart/form-data; boundary=" + "x" * 300, "x"),
        ("application/x-www-form-urlencoded", "&".join(f"a{n}=1" for n in range(10_001))),
        ("application/x-www-form-urlencoded", "a=" + "x" * 11 * 1024 * 1024),
    ],
    ids=["no boundary", "long boundary", "many fields", "large"],
)
def test_a_malformed_form_is_the_senders_mistake(db: None, path: str, kind: str, body: str) -> None:
    client = Client(SERVER_NAME="localhost", SERVER_PORT="8000", enforce_csrf_checks=True)
    client.get("/account/sign-in/")  # without its cookies, the form is not even read
    assert client.post(path, body, content_type=kind).status_code in {400, 404}


def seen_address(settings: Any, remote: str, forwarded: str, proxies: list[str]) -> str:
    """Where the site believes that a request comes from."""
    settings.TRUSTED_PROXIES = [ipaddress.ip_network(proxy) for proxy in proxies]
    seen: list[str] = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(request.META["REMOTE_ADDR"])
        return HttpResponse()

    headers = {"HTTP_X_FORWARDED_FOR": forwarded, "REMOTE_ADDR": remote}
    TrustedProxyMiddleware(view)(RequestFactory().get("/", **headers))  # type: ignore[arg-type]
    return seen[0]


@pytest.mark.parametrize(
    ("remote", "forwarded", "expected"),
    [
        ("198.51.100.1", "203.0.113.9", "198.51.100.1"),  # a stranger claims to be somebody else
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "1.2.3.4, 203.0.113.9", "203.0.113.9"),  # the first was typed by the client
        ("10.0.0.1", "203.0.113.9, 10.0.0.2", "203.0.113.9"),  # two proxies of ours
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("::ffff:198.51.100.1", "203.0.113.9", "198.51.100.1"),
        ("10.0.0.1", "fe80::1%eth0", "fe80::1"),
        ("fe80::1%7", "203.0.113.9", "fe80::1"),
        ("10.0.0.1", "::ffff:192.0.2.7%any words", "192.0.2.7"),
    ],
)
def test_only_trusted_proxies_are_believed(
    settings: Any, remote: str, forwarded: str, expected: str
) -> None:
    assert seen_address(settings, remote, forwarded, ["10.0.0.0/8"]) == expected


def test_the_health_page_answers_under_any_host_name(db: None) -> None:
    response = Client().get("/_health/", headers={"host": "10.1.2.3"})
    assert (response.status_code, response.content) == (200, b"ok\n")


def test_other_pages_answer_under_the_sites_names_only(db: None) -> None:
    assert Client().get("/", headers={"host": "evil.example"}).status_code == 400


def test_a_limit_that_no_form_was_there_to_say_is_a_page(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def be_full() -> None:
        raise LimitReached("password", 90)

    monkeypatch.setattr(pages.Release.objects, "listed", be_full)
    response = Client().get("/")
    assert response.status_code == 429
    assert response["Retry-After"] == "90"
    assert "Try again in 2 minutes." in response.content.decode()


@pytest.mark.parametrize("path", ["/simple/foo/", "/pypi/foo/json", "/legacy/", "/api/v1/token"])
def test_a_limit_that_no_form_was_there_to_say_is_one_line_for_machines(path: str) -> None:
    middleware = LimitMiddleware(lambda request: HttpResponse())
    reached = LimitReached("password", 90)
    response = middleware.process_exception(RequestFactory().post(path), reached)
    assert response is not None
    assert (response.status_code, response["Retry-After"]) == (429, "90")
    assert response["Content-Type"].startswith("text/plain")
    assert "Try again in 2 minutes." in said(response)


def failing(get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    """Middleware in which every view fails that is found."""

    def answer(request: HttpRequest) -> HttpResponse:
        return get_response(request)

    def fail(request: HttpRequest, *_view: Any) -> None:
        raise RuntimeError("nobody foresaw it")

    answer.process_view = fail  # type: ignore[attr-defined]
    return answer


@pytest.fixture
def failing_site(db: None, settings: Any) -> Client:
    """A client of a site whose views all fail, which sees what others see of it."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.failing"]
    return Client(raise_request_exception=False)


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    "path",
    [
        "/simple/",
        "/simple/foo/",
        f"/files/aa/bb/{'c' * 60}/foo-1.0.tar.gz",
        "/legacy/",
        "/legacy",
        "/pypi/foo/json",
        "/pypi",
        "/api/v1/token",
        "/_/secrets/disclose-token",
        "/rss/updates.xml",
        "/classifiers.txt",
        "/robots.txt",
        "/.well-known/security.txt",
    ],
)
def test_a_failure_that_nobody_foresaw_is_one_line_for_machines(
    failing_site: Client, caplog: Any, path: str, method: str
) -> None:
    with caplog.at_level(logging.ERROR):
        response = getattr(failing_site, method)(path)
    assert response.status_code == 500
    assert response["Content-Type"].startswith("text/plain")
    assert response["Cache-Control"] == "no-store"
    assert "Vary" not in response
    assert "the request is not to blame" in said(response)
    assert "try again later" in said(response)
    assert "nobody foresaw" not in said(response)
    assert "RuntimeError: nobody foresaw it" in caplog.text


@pytest.mark.parametrize("path", ["/", "/project/foo/", "/stats/", "/admin/"])
def test_a_failure_that_nobody_foresaw_is_a_page_for_people(
    failing_site: Client, path: str
) -> None:
    response = failing_site.get(path)
    assert response.status_code == 500
    assert response["Content-Type"].startswith("text/html")
    assert "This is our mistake, not yours" in response.content.decode()
    assert "nobody foresaw" not in response.content.decode()
