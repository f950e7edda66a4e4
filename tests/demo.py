"""A guided tour of Indexsite, in a throw-away folder: `make demo`.

It does what a new maintainer would do, with the real tools, and says of each step how long it
took. The exit code is 0 only if every step did what it should, refusals included.
"""

from __future__ import annotations

import base64
import email
import email.policy
import http.cookiejar
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "ferry lantern gravel teapot"


class StepFailed(Exception):
    """A step did not do what it should."""


class Browser:
    """A browser without JavaScript: cookies, forms and links."""

    def __init__(self, site: str) -> None:
        self.site = site
        self.url = site
        self.text = ""
        jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(jar), urllib.request.ProxyHandler({})
        )

    def get(self, path: str) -> str:
        """Open a page."""
        return self._send(urllib.request.Request(urllib.parse.urljoin(self.site, path)))

    def post(self, **fields: str | list[str]) -> str:
        """Send the form of the present page with its hidden fields."""
        form: dict[str, str | list[str]] = {}
        for name, value in _hidden_fields(self.text):
            form[name] = [*form.get(name, []), value]
        form |= fields
        data = urllib.parse.urlencode(form, doseq=True).encode()
        return self._send(urllib.request.Request(self.url, data=data))

    def post_to(self, path: str, **fields: str | list[str]) -> str:
        """Send a form of the present page that goes to another address."""
        self.url = urllib.parse.urljoin(self.site, path)
        return self.post(**fields)

    def _send(self, request: urllib.request.Request) -> str:
        try:
            with self._opener.open(request, timeout=30) as response:
                self.url, self.text = response.geturl(), response.read().decode()
        except urllib.error.HTTPError as error:
            body = error.read().decode(errors="replace")
            raise StepFailed(f"{request.full_url} answered {error.code}: {body[:300]}") from error
        return self.text

    def require(self, words: str) -> None:
        """Fail unless the page says so."""
        if words not in unescape(self.text):
            errors = re.findall(r'class="errorlist.*?</ul>', self.text, re.DOTALL)
            raise StepFailed(f"{self.url} does not say {words!r}. {errors}")


def _hidden_fields(page: str) -> Iterator[tuple[str, str]]:
    for tag in re.findall(r"<input[^>]*>", page):
        attributes = dict(re.findall(r'([a-z-]+)="([^"]*)"', tag))
        if attributes.get("type") == "hidden" and "name" in attributes:
            yield attributes["name"], unescape(attributes.get("value", ""))


class Tour:
    """The steps, and what they leave to the next."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self.site = f"http://localhost:{self.port}"
        self.browser = Browser(self.site)
        self.data = folder / "data"
        self.environment = {
            **os.environ,
            "INDEXSITE_DATA": str(self.data),
            "PORT": str(self.port),
            "HOST": "127.0.0.1",
            "SITE_URL": self.site,
            "REGISTRATION": "open",
            "NO_COLOR": "1",
            "TERM": "dumb",
            "COLUMNS": "300",
        }
        own = ("DATABASE_URL", "EMAIL_URL", "SECRET_KEY", "SECRET_KEY_FILE")
        for name in (*own, "PYTHONDONTWRITEBYTECODE"):
            self.environment.pop(name, None)
        self.secret = ""
        self.steps = iter((-1, 0, 1))
        self.tokens: dict[str, str] = {}
        self.began = time.time()

    def run_program(self, *words: str, fails: bool = False, **extra: str) -> str:
        """Run a real program; what it printed."""
        result = subprocess.run(
            words,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env={**self.environment, **extra},
            timeout=180,
            check=False,
        )
        printed = result.stdout + result.stderr
        if (result.returncode != 0) != fails:
            raise StepFailed(f"{' '.join(words)} ended with {result.returncode}:\n{printed}")
        return printed

    def manage(self, *words: str) -> str:
        """Run a management command of the site."""
        return self.run_program(sys.executable, str(ROOT / "run"), "manage", *words)

    def code(self) -> str:
        """The authenticator's next code: steps t-1, t and t+1 in rising order, never the same."""
        totp = TOTP(base64.b32decode(self.secret), 6, SHA1(), 30)  # noqa: S303  (what RFC 6238 and all apps use)
        return totp.generate(int(time.time()) + 30 * next(self.steps)).decode()

    @contextmanager
    def server(self) -> Iterator[None]:
        """The site, started as a newcomer starts it."""
        log = (self.folder / "server.log").open("w")
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "run")],
            env=self.environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=self.folder,
        )
        try:
            self._wait_until_ready(process)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=40)
            except subprocess.TimeoutExpired:
                process.kill()
            log.close()

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        for _try in range(1200):
            if process.poll() is not None:
                break
            try:
                self.browser.get("/_health/")
            except (OSError, StepFailed):
                time.sleep(0.1)
            else:
                return
        raise StepFailed((self.folder / "server.log").read_text())

    # The steps, in their order

    def register(self) -> None:
        """register the maintainer 'tourist'"""
        self.browser.get("/account/register/")
        self.browser.post(username="tourist", email="tourist@example.org", password=PASSWORD)
        self.browser.require("tourist")

    def verify_address(self) -> None:
        """verify the mail address with the link from the mail"""
        for _try in range(200):
            mails = sorted((self.data / "mail").glob("*")) if (self.data / "mail").is_dir() else []
            found = [re.search(r"http\S+/account/verify/\S+", _plain(mail)) for mail in mails]
            links = [match.group() for match in found if match]
            if links:
                self.browser.get(links[-1])
                self.browser.post()
                self.browser.require("is verified")
                return
            time.sleep(0.1)
        raise StepFailed("no verification mail came")

    def enrol(self) -> None:
        """enrol an authenticator app from the key that the page shows"""
        self.browser.get("/account/apps/add/")
        key = re.search(r'class="secret">([A-Z2-7 ]+)<', self.browser.text)
        if key is None:
            raise StepFailed("the page shows no key")
        self.secret = key.group(1).replace(" ", "")
        self.browser.post(label="tour", code=self.code())

    def keep_recovery_codes(self) -> None:
        """make recovery codes and type one back"""
        self.browser.post_to("/account/recovery-codes/make/")
        codes = re.findall(r"<code>([0-9a-f-]{19})</code>", self.browser.text)
        if len(codes) != 8:
            raise StepFailed(f"the page shows {len(codes)} recovery codes")
        self.browser.post_to("/account/recovery-codes/", code=codes[3])

    def sign_in_again(self) -> None:
        """sign out, and in again with password and code"""
        self.browser.post_to("/account/sign-out/")
        self.browser.get("/account/sign-in/")
        self.browser.post(**{"auth-username": "tourist", "auth-password": PASSWORD})
        self.browser.post(**{"token-otp_token": self.code()})
        self.browser.get("/account/security/")
        self.browser.require("tour")

    def make_wide_token(self) -> None:
        """make an API token for all projects"""
        self.tokens["wide"] = self._make_token(
            "first upload", scope="account", actions=["upload", "create"]
        )

    def _make_token(self, name: str, **fields: str | list[str]) -> str:
        self.browser.get("/account/tokens/make/")
        self.browser.post(name=name, expiry="90", **fields)
        self.browser.require("What the token will be able to do")
        self.browser.post(confirm="1")
        found = re.search(r"pypi-[A-Za-z0-9_-]{80,}", self.browser.text)
        if found is None:
            raise StepFailed("the page shows no token")
        return found.group()

    def build(self) -> None:
        """build a small package, versions 1.0 and 1.1"""
        for version in ("1.0", "1.1"):
            source = self.folder / f"package-{version}"
            source.mkdir()
            (source / "pyproject.toml").write_text(
                '[build-system]\nrequires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"\n'
                f'[project]\nname = "indexsite-tour"\nversion = "{version}"\n'
                'description = "A package that was made on a tour"\n'
            )
            (source / "indexsite_tour.py").write_text(f'"""Tour."""\n\nVERSION = "{version}"\n')
            self.run_program(
                sys.executable,
                "-m",
                "build",
                "--no-isolation",
                "--outdir",
                f"dist-{version}",
                str(source),
            )

    def _upload(self, version: str, token: str, *, fails: bool = False) -> str:
        files = [str(path) for path in sorted((self.folder / f"dist-{version}").iterdir())]
        return self.run_program(
            sys.executable,
            "-m",
            "twine",
            "upload",
            "--non-interactive",
            "--disable-progress-bar",
            "--repository-url",
            f"{self.site}/legacy/",
            *files,
            fails=fails,
            TWINE_USERNAME="__token__",
            TWINE_PASSWORD=token,
        )

    def upload_first(self) -> None:
        """twine upload 1.0: wheel and sdist"""
        self._upload("1.0", self.tokens["wide"])

    def make_narrow_token(self) -> None:
        """make an API token for that project alone"""
        self.browser.get("/account/tokens/make/")
        choice = re.search(r'name="projects" value="([0-9a-f-]{36})"', self.browser.text)
        if choice is None:
            raise StepFailed("the page offers no project")
        self.tokens["narrow"] = self._make_token(
            "releases of indexsite-tour",
            scope="projects",
            projects=choice.group(1),
            actions="upload",
        )

    def revoke_wide_token(self) -> None:
        """revoke the first API token"""
        self.browser.get("/account/tokens/")
        rows = re.findall(r"<tr.*?</tr>", self.browser.text, re.DOTALL)
        row = next(row for row in rows if "first upload" in row)
        path = re.search(r'href="(/account/tokens/[0-9a-f-]{36}/revoke/)"', row)
        if path is None:
            raise StepFailed("the page offers no way to revoke")
        self.browser.get(path.group(1))
        self.browser.post()
        self.browser.require("was revoked")

    def upload_second(self) -> None:
        """twine upload 1.1 with the second API token"""
        self._upload("1.1", self.tokens["narrow"])

    def install(self) -> None:
        """pip install it into a fresh environment, and import it"""
        environment = self.folder / "environment"
        self.run_program(sys.executable, "-m", "venv", str(environment))
        python = str(environment / "bin" / "python")
        self.run_program(
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--isolated",
            "--disable-pip-version-check",
            "--index-url",
            f"{self.site}/simple/",
            "indexsite-tour",
        )
        printed = self.run_program(python, "-c", "import indexsite_tour as t; print(t.VERSION)")
        if printed.strip() != "1.1":
            raise StepFailed(f"the installed version is {printed}")

    def try_forged(self) -> None:
        """try a forged API token: refused"""
        token = self.tokens["narrow"]
        forged = token[:-8] + ("A" * 8 if not token.endswith("A" * 8) else "B" * 8)
        self._show(self._upload("1.1", forged, fails=True))

    def try_revoked(self) -> None:
        """try the revoked API token: refused"""
        self._show(self._upload("1.1", self.tokens["wide"], fails=True))

    def _show(self, printed: str) -> None:
        lines = [line.strip() for line in printed.splitlines() if line.strip()]
        start = next((at for at, line in enumerate(lines) if "403 Forbidden" in line), None)
        if start is None:
            raise StepFailed(f"twine was not refused with 403:\n{printed}")
        for line in lines[start : start + 2]:
            print(f"      twine: {line}")

    def show_history(self) -> None:
        """read the account's history"""
        self.browser.get("/account/history/")
        history = re.search(r'<ol class="history">(.*?)</ol>', self.browser.text, re.DOTALL)
        if history is None:
            raise StepFailed("there is no history")
        sentences = re.findall(r"<p>(.*?)</p>", history.group(1), re.DOTALL)
        for sentence in reversed(sentences):
            print(f"      {' '.join(unescape(re.sub('<[^>]+>', '', sentence)).split())}")
        for words in ("registered", "authenticator app", "API token", "revoked", "signed in"):
            self.browser.require(words)

    def verify_chain(self) -> None:
        """verify the audit log's chain"""
        print(f"      {self.manage('verify_audit_chain').strip().splitlines()[-1]}")

    def all_steps(self) -> list[Callable[[], None]]:
        """The steps in their order."""
        return [
            self.register,
            self.verify_address,
            self.enrol,
            self.keep_recovery_codes,
            self.sign_in_again,
            self.make_wide_token,
            self.build,
            self.upload_first,
            self.make_narrow_token,
            self.revoke_wide_token,
            self.upload_second,
            self.install,
            self.try_forged,
            self.try_revoked,
            self.show_history,
            self.verify_chain,
        ]


def _plain(mail: Path) -> str:
    text = mail.read_bytes().split(b"\n" + b"-" * 79)[0]
    message = email.message_from_bytes(text, policy=email.policy.default)
    body = message.get_body(("plain",))
    return str(body.get_content()) if body is not None else ""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _say(began: float, sentence: str) -> None:
    print(f"{time.monotonic() - began:6.1f} s  {sentence}", flush=True)


def main() -> int:
    """Take the tour; 0 if every step did what it should."""
    folder = Path(tempfile.mkdtemp(prefix="indexsite-demo-"))
    tour = Tour(folder)
    began = time.monotonic()
    try:
        with tour.server():
            _say(began, f"the site runs at {tour.site}")
            for step in tour.all_steps():
                started = time.monotonic()
                step()
                _say(started, str(step.__doc__))
    except StepFailed as failure:
        print(f"This step failed: {failure}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    _say(began, "the tour is over: every step did what it should")
    return 0


if __name__ == "__main__":
    sys.exit(main())
