"""What people do with API tokens, with the real tools on a running site."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import OutboxMail
from accounts.notices import render
from audit.models import Event
from projects.models import File, Project, Role
from tests.accounts.doors import text_of_page
from tests.clients.test_tools import put, twine, uv_publish
from tests.stories.test_staff import act
from tests.support.artifacts import make_sdist, make_wheel
from tests.support.people import Browser, Person, make_person
from tests.support.server import Site
from tests.support.uploading import grant_for
from tests.tokens.keys import make, project_of
from tokens import macaroons
from tokens.grants import Scope
from tokens.models import APIToken
from tokens.operations.denials import deny_token
from tokens.operations.lifecycle import revoke_token

pytestmark = [pytest.mark.clients, pytest.mark.once]


def fresh() -> str:
    """A name that no other test uses."""
    return f"story-{uuid4().hex[:8]}"


def release(site: Site, folder: Path, token: str, project: str, version: str = "1.0") -> str:
    """Upload a wheel with twine; "" if that went well, else what twine printed."""
    result = twine(site, folder, token, put(folder, make_wheel(project, version)))
    return "" if result.is_well else result.line


def post_json(site: Site, path: str, content: Any) -> int:
    """Send JSON; the status."""
    request = urllib.request.Request(
        site.url + path,
        data=json.dumps(content).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return int(answer.status)


def shelf(site: Site, project: str) -> str:
    """What pip sees of a project; "" if that is nothing."""
    try:
        with urllib.request.urlopen(f"{site.url}/simple/{project}/", timeout=30) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
        return ""


def mail_about(notice: str, token: APIToken) -> str:
    mails = OutboxMail.objects.filter(notice=notice, facts__name=token.name)
    return " ".join(str(render(mails.latest("pk")).body).split())


def test_one_token_for_several_projects(site: Site, alice: Person, tmp_path: Path) -> None:
    one, two, three = fresh(), fresh(), fresh()
    projects = [project_of(alice, one), project_of(alice, two)]
    project_of(alice, three)
    _token, text = make(alice, f"job {one}", projects=projects)
    assert release(site, tmp_path, text, one) == ""
    assert release(site, tmp_path, text, two) == ""
    assert f"only for projects '{one}', '{two}', not '{three}'" in release(
        site, tmp_path, text, three
    )


def test_a_token_ends_at_its_time(site: Site, alice: Person, tmp_path: Path) -> None:
    name = fresh()
    end = timezone.now() + timedelta(seconds=8)
    grant = grant_for(project_of(alice, name), expires_at=end)
    _token, text = make(alice, f"job {name}", grant=grant)
    assert release(site, tmp_path, text, name) == ""
    time.sleep(max(0, (end - timezone.now()).total_seconds()) + 1)
    assert "This API token expired on" in release(site, tmp_path, text, name, "1.1")


def test_a_token_is_of_use_from_its_networks_alone(
    site: Site, alice: Person, tmp_path: Path
) -> None:
    name = fresh()
    project = project_of(alice, name)
    texts = {
        ranges: make(alice, f"{ranges} {name}", grant=grant_for(project, networks=(ranges,)))[1]
        for ranges in ("127.0.0.0/8", "10.0.0.0/8")
    }
    assert release(site, tmp_path, texts["127.0.0.0/8"], name) == ""
    answer = release(site, tmp_path, texts["10.0.0.0/8"], name, "1.1")
    assert "may be used from 10.0.0.0/8 only, and you came from 127.0.0.1" in answer


def test_a_release_job_narrows_its_token_offline(site: Site, alice: Person, tmp_path: Path) -> None:
    one, two = fresh(), fresh()
    _token, text = make(alice, f"job {one}")
    command = [sys.executable, "manage.py", "attenuate_token", "--project", one, "--days", "1"]
    done = subprocess.run(
        command, input=text, env=site.environment, capture_output=True, text=True, check=True
    )
    narrow = done.stdout.strip()
    assert text not in " ".join(command)
    assert release(site, tmp_path, narrow, one) == ""
    assert f"only for project '{one}', not '{two}'" in release(site, tmp_path, narrow, two)
    assert release(site, tmp_path, text, two) == ""


def test_a_first_upload_needs_no_token_for_everything(
    site: Site, alice: Person, tmp_path: Path
) -> None:
    name, other = fresh(), fresh()
    grant = grant_for(scope=Scope.NEW, new_project=name, actions=("upload", "create"))
    token, text = make(alice, f"job {name}", grant=grant)
    assert f"only for project '{name}'" in release(site, tmp_path, text, other)
    files = [put(tmp_path, make_wheel(name, "1.0")), put(tmp_path, make_sdist(name, "1.0"))]
    result = uv_publish(site, tmp_path, text, *files)
    assert result.is_well, result.line
    token.refresh_from_db()
    assert list(token.projects.all()) == [Project.objects.get(name=name)]


def test_a_token_of_the_wrong_index_is_told_whose_it_is(
    site: Site, alice: Person, tmp_path: Path
) -> None:
    text = macaroons.mint(
        location="test.example.org", identifier=uuid4(), key=b"k" * 32, caveats=[]
    )
    answer = release(site, tmp_path, text, fresh())
    assert "belongs to test.example.org; this index is localhost. Each index needs" in answer


def test_a_leak_that_a_scanner_reports_is_over_at_once(
    site: Site, alice: Person, tmp_path: Path
) -> None:
    name = fresh()
    token, text = make(alice, f"job {name}", projects=[project_of(alice, name)])
    assert release(site, tmp_path, text, name) == ""
    began = time.monotonic()
    row = {"token": text, "type": "pypi_api_token", "url": "https://code.example.org/a/b"}
    assert post_json(site, "/_/secrets/disclose-token", [row]) == 204
    answer = release(site, tmp_path, text, name, "1.1")
    assert time.monotonic() - began < 30
    assert "was found where others could read it" in answer
    assert "code.example.org/a/b" in mail_about("token_leaked", token)
    assert Event.objects.for_project(Project.objects.get(name=name)).filter(
        kind="token:leak:reported"
    )


def test_staff_stop_what_a_leaked_token_does(site: Site, browser: Browser, tmp_path: Path) -> None:
    owner, staff = make_person(fresh()), make_person(fresh(), is_administrator=True)
    first, second, untouched = fresh(), fresh(), fresh()
    token, text = make(owner, f"job {first}")
    own = make(owner, f"own {first}")[1]
    for name, key in ((first, text), (second, text), (untouched, own)):
        assert release(site, tmp_path, key, name) == ""
    wheels = {name: make_wheel(name, "1.0")[0] for name in (first, second, untouched)}
    client = browser(staff)
    began = time.monotonic()

    page = client.post("/admin/tokens/apitoken/find/", {"text": text}, follow=True)
    assert page.redirect_chain[-1][0] == f"/admin/tokens/apitoken/{token.pk}/change/"
    assert "its signature is right" in text_of_page(page)
    events = text_of_page(client.get("/admin/audit/event/", {"used_key": str(token.pk)}))
    assert [name for name in wheels if wheels[name] in events] == [first, second]

    act(client, token, "revoke", reason="The token was published by mistake.")
    assert "revoked" in release(site, tmp_path, text, first, "1.1")

    listed = f"?used_key={token.pk}&kind=project:file:uploaded"
    address = f"/admin/events/quarantine-uploaded/{listed}"
    rows = re.findall(r'name="row" value="([^"]+)"', client.get(address).content.decode())
    projects = {row.name: row for row in Project.objects.filter(pk__in=rows)}
    assert projects.keys() == {first, second}
    client.post(address, {"reason": "A leaked token uploaded files.", "row": rows})
    assert [name for name in wheels if wheels[name] in shelf(site, name)] == [untouched]

    act(client, owner.user, "freeze", reason="Somebody else seems to use this account.")
    assert release(site, tmp_path, own, untouched, "1.1") != ""
    assert time.monotonic() - began < 60

    for project in projects.values():
        act(client, project, "release", reason="Nothing dangerous was found.")
        assert wheels[project.name] in shelf(site, project.name)
    act(client, owner.user, "unfreeze", reason="The owner has control of it again.")
    assert release(site, tmp_path, own, untouched, "1.1") == ""
    told = OutboxMail.objects.filter(recipient=owner.email).values_list("notice", flat=True)
    assert {"token_revoked", "project_quarantined", "account_frozen", "account_unfrozen"} <= set(
        told
    )


def test_a_token_inside_an_sdist_is_not_published(
    site: Site, alice: Person, bob: Person, tmp_path: Path
) -> None:
    name = fresh()
    leaked, inside = make(bob, f"bob's {name}")
    _token, text = make(alice, f"job {name}")
    files = {f"{name}/tests/.pypirc": f"[here]\npassword = {inside}\n"}
    result = twine(site, tmp_path, text, put(tmp_path, make_sdist(name, "1.0", files=files)))
    assert "holds an API token of this index" in result.line
    assert not File.objects.filter(project__name=name).exists()
    leaked.refresh_from_db()
    assert leaked.revoked_at
    assert f"{name}/tests/.pypirc" in mail_about("token_leaked", leaked)


def test_a_format_ends_and_everybody_is_told(site: Site, alice: Person, tmp_path: Path) -> None:
    name = fresh()
    token, text = make(alice, f"job {name}")
    listed = tmp_path / "ids"
    listed.write_text(f"{token.pk}\n")
    reason = "API tokens that were made before March end today"
    arguments = ("invalidate_tokens", "--list", str(listed), "--reason", reason)
    assert "1 API token would be revoked" in site.manage(*arguments, "--dry-run").stdout
    assert release(site, tmp_path, text, name) == ""
    assert "1 API token revoked" in site.manage(*arguments).stdout
    assert f": {reason}. Make another one at" in release(site, tmp_path, text, name, "1.1")
    body = mail_about("token_invalidated", token)
    assert "On your own computer" in body
    assert "In CI" in body


def test_a_token_that_four_owners_share_is_cut_off_by_one_of_them(
    site: Site, alice: Person, tmp_path: Path
) -> None:
    # Alice made it, and all four put it into their release jobs
    name, other = fresh(), fresh()
    project = project_of(alice, name)
    owners = [make_person(username) for username in ("bob", "carol", "dave")]
    for owner in owners:
        Role.objects.create(user=owner.user, project=project, kind=Role.Kind.OWNER)
    token, shared = make(alice, f"shared {name}", projects=[project, project_of(alice, other)])
    own = make(owners[0], f"own {name}", projects=[project])[1]
    assert release(site, tmp_path, shared, name) == ""
    assert File.objects.get(project=project).uploaded_by == "alice"
    deny_token(token, project, by=owners[1].actor)
    assert "has cut this API token off from it" in release(site, tmp_path, shared, name, "1.1")
    assert release(site, tmp_path, shared, other) == ""
    assert release(site, tmp_path, own, name, "1.1") == ""
    assert "carol" in mail_about("token_denied", token)
    assert project.roles.filter(user=alice.user, kind=Role.Kind.OWNER).exists()
    revoke_token(token, reason="we have one each now", by=alice.actor)
    histories = Event.objects.for_project(project).values_list("kind", flat=True)
    assert {"token:token:created", "token:token:denied", "token:token:revoked"} <= set(histories)
