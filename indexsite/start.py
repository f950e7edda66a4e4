"""Runs Indexsite in one go: `python -m indexsite.start BEGAN STEP...`, which is how ./run goes on.

Loading Django takes most of the time of a start, and most of the memory: it is loaded once here.
The web server and the worker are forked from this process and share what it has loaded.
"""

from __future__ import annotations

import contextlib
import gc
import http.client
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module
from logging.handlers import MemoryHandler
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

SLOWEST_START = 120  # seconds until the server must have answered once
SLOWEST_STOP = 30  # seconds until a program that was asked to end is killed
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# What is loaded before programs are forked. `indexsite.wsgi` checks the database, too.
SHARED = ("gunicorn.app.wsgiapp", "gunicorn.workers.gthread", "indexsite.worker", "indexsite.wsgi")
CONFIGURATION = Path(__file__).with_name("gunicorn.py")


class Refusal(Exception):
    """Why the site cannot go on, as one sentence for the person who started it."""


def say(sentence: str) -> None:
    """Print one line at once, also into a pipe."""
    print(sentence, flush=True)


# Before the first request


def prepare(steps: Sequence[str]) -> None:
    """Do these steps: "migrate" the database; load what is needed to "serve".

    Raises:
        Refusal: a setting or the database is wrong; what is, was printed.
    """
    pool, log = logging.getLogger("psycopg.pool"), MemoryHandler(capacity=1)  # keeps all, unsent
    pool.addHandler(log)
    pool.propagate = False  # it would print again and again what one sentence says in the end
    try:
        _prepare(steps)
    except SystemExit as error:
        raise Refusal("Indexsite was not started; put right what is named above.") from error
    except Exception as error:
        if log.buffer:  # the pool names the cause, and Django afterwards only that it failed
            print(" ".join(log.buffer[-1].getMessage().split()), file=sys.stderr)
        message = " ".join("".join(traceback.format_exception_only(error)).split())
        raise Refusal(f"Indexsite could not be prepared: {message}") from error
    finally:
        pool.removeHandler(log)
        pool.propagate = True


def _prepare(steps: Sequence[str]) -> None:
    import django
    from django.core.management import call_command

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "indexsite.settings")
    django.setup()
    from audit.connections import close_all
    from indexsite.checks import refuse_problems

    if "migrate" in steps:
        refuse_problems(with_database=False)
        call_command("migrate", interactive=False, verbosity=0, skip_checks=True)
    if "serve" in steps:
        for name in SHARED:
            import_module(name)

        call_command("setup_link", if_needed=True, file=str(link_file()))
        close_all()


def link_file() -> Path:
    """Where the link for the first account is, as long as it is needed."""
    from django.conf import settings

    return Path(settings.DATA) / "setup-link.txt"


# The programs


class Programs:
    """The web server and the worker, each in a session of its own, so that a Ctrl-C in the
    terminal reaches this process alone, which then stops both in order."""

    def __init__(self) -> None:
        self.running: dict[str, Any] = {}
        self.stopping = threading.Event()
        self.killing = threading.Event()
        self.asked_at = 0.0
        for number in SIGNALS:
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if not self.stopping.is_set():
            self.asked_at = time.monotonic()
        elif time.monotonic() - self.asked_at > 1:  # make and systemd may pass on the same one
            self.killing.set()
        self.stopping.set()

    def start(self, name: str, work: Callable[[], None]) -> None:
        """Fork one program, under the name that sentences use for it."""
        program = multiprocessing.get_context("fork").Process(target=_become, args=(name, work))
        # A signal that comes before the program has its own handlers must wait, or it is lost.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        program.start()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        self.running[name] = program

    def check(self) -> None:
        """Refuse to go on if one of them ended by itself."""
        for name, program in self.running.items():
            code = program.exitcode
            if code is not None and not self.stopping.is_set():
                how = f"with code {code}" if code >= 0 else f"by signal {-code}"
                raise Refusal(f"The {name} ended by itself ({how}), so Indexsite was stopped.")

    def stop(self) -> None:
        """Ask all to end, and kill what has not ended in time or after a second Ctrl-C."""
        self.stopping.set()
        for program in self.running.values():
            if program.is_alive():
                program.terminate()
        end = time.monotonic() + SLOWEST_STOP
        while any(program.is_alive() for program in self.running.values()):
            if time.monotonic() > end or self.killing.wait(0.05):
                break
        for name, program in self.running.items():
            if program.is_alive():
                say(f"The {name} did not end by itself and was killed.")
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(program.pid, signal.SIGKILL)  # with what it may have left behind
            program.join()


def _become(name: str, work: Callable[[], None]) -> None:
    os.setsid()
    with contextlib.suppress(OSError):  # what ps and top call it; Linux alone knows this
        Path("/proc/self/comm").write_text(f"site {name}"[:15])
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    work()


def run_web_server() -> None:
    """Be gunicorn, as `gunicorn indexsite.wsgi --config indexsite/gunicorn.py` would be."""
    from gunicorn import __main__
    from gunicorn.app.wsgiapp import run

    sys.argv = [__main__.__file__, "indexsite.wsgi", "--config", str(CONFIGURATION)]
    run()


def run_worker() -> None:
    """Be the worker, as `manage.py run_worker` would be."""
    from indexsite.worker import Worker

    Worker().run()


def answer(host: str, port: int, site: str) -> int:
    """The status with which the server answers its health page; 0 if it does not answer."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # nothing is bound
    connection = http.client.HTTPConnection(reachable, port, timeout=5)
    try:
        connection.request("GET", "/_health/", headers={"Host": site})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def serve(began: float) -> None:
    """Run the web server and the worker until a signal comes or one of them ends."""
    from django.conf import settings

    host, port = os.environ["HOST"], int(os.environ["PORT"])
    programs = Programs()
    gc.collect()
    gc.freeze()  # what is loaded stays: a collection that wrote to it would end its being shared
    gc.enable()
    try:
        programs.start("web server", run_web_server)
        end, status = time.monotonic() + SLOWEST_START, 0
        while status != 200 and not programs.stopping.wait(0.02):
            programs.check()
            if time.monotonic() > end:
                raise Refusal(
                    f"The web server did not become healthy within {SLOWEST_START} seconds "
                    f"(its last answer: {status or 'none'}), so Indexsite was stopped."
                )
            status = answer(host, port, urlsplit(settings.SITE_URL).netloc)
        if status == 200:
            programs.start("worker", run_worker)  # after: people wait first
            tell(host, port, began)
        while not programs.stopping.wait(0.2):
            programs.check()
    finally:
        programs.stop()
    say("Indexsite has stopped.")


def tell(host: str, port: int, began: float) -> None:
    """Print where everything is."""
    from django.conf import settings

    say(f"Indexsite is at {settings.SITE_URL} (listening on {host}, port {port})")
    say(f"Data: {settings.DATA}")
    if not os.environ.get("EMAIL_URL") and not os.environ.get("EMAIL_URL_FILE"):
        say(f"Mails: {settings.DATA / 'mail'} (as files, because EMAIL_URL is not set)")
    if link_file().is_file():
        say(f"Set-up link: {link_file()}")
    say(f"Ready after {time.monotonic() - began:.1f} s. Ctrl-C stops it.")


def main(arguments: Sequence[str]) -> int:
    """Run. Returns the exit code; what fails is one sentence and code 1.

    Args:
        arguments: when the start began, in seconds of the monotonic clock, and the steps.
    """
    gc.disable()  # while so much is loaded, it looks through all of it again and again
    try:
        prepare(arguments[1:])
        if "serve" in arguments:
            serve(float(arguments[0]))
    except Refusal as refusal:
        print(refusal, file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr, flush=True)
        return 130
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))
