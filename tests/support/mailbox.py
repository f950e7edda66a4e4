"""A real SMTP server that keeps what it is sent, and can be told to fail."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import threading
import time
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller

logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd tells of every connection


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Mailbox:
    """Everything that was mailed, in order, whoever it was for.

    Attributes:
        port: where the server listens, on 127.0.0.1.
        attempts: how many mails were offered, accepted or not.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._messages: list[EmailMessage] = []
        self._failures: list[str] = []
        self._refusal = ""
        self._most: int | None = None
        self.attempts = 0
        self.port = free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Take one mail (called by aiosmtpd)."""
        with self._changed:
            self.attempts += 1
            self._changed.notify_all()
        while self._most is not None and len(self._messages) >= self._most:
            await asyncio.sleep(0.02)  # until the client gives up, or `accept()`
        with self._changed:
            if self._failures:
                return self._failures.pop(0)
            if self._refusal:
                return self._refusal
            parsed = message_from_bytes(envelope.content, policy=policy.default)
            self._messages.append(parsed)
            return "250 OK"

    @property
    def url(self) -> str:
        """What EMAIL_URL of a process that is to send here must be."""
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def messages(self) -> list[EmailMessage]:
        """What was accepted, oldest first."""
        with self._changed:
            return list(self._messages)

    def to(self, address: str) -> list[EmailMessage]:
        """What was accepted for one address, oldest first."""
        return [mail for mail in self.messages if address in str(mail["To"])]

    def fail(self, times: int, answer: str = "451 Try again later") -> None:
        """Turn the next mails away for now."""
        self._failures = [answer] * times

    def refuse(self, answer: str = "554 Not here") -> None:
        """Turn all mails away, until `accept()`."""
        self._refusal = answer

    def hang_after(self, count: int) -> None:
        """Take so many mails, and let the client of the next one wait for an answer."""
        self._most = count

    def accept(self) -> None:
        """Take mails again."""
        self._refusal, self._failures, self._most = "", [], None

    def wait_for_attempt(self, number: int, timeout: float = 20) -> None:
        """Until that many mails were offered; fails after `timeout` seconds."""
        end = time.monotonic() + timeout
        with self._changed:
            while self.attempts < number and time.monotonic() < end:
                self._changed.wait(0.1)
            assert self.attempts >= number, f"{self.attempts} attempts, not {number}"

    def wait_for(self, count: int, timeout: float = 20) -> list[EmailMessage]:
        """All messages, once there are at least `count`; fails after `timeout` seconds."""
        end = time.monotonic() + timeout
        with self._changed:
            while len(self._messages) < count and time.monotonic() < end:
                self._changed.wait(0.1)
            assert len(self._messages) >= count, f"{len(self._messages)} mails, not {count}"
            return list(self._messages)

    def start(self) -> None:
        """Listen."""
        self._controller.start()

    def stop(self) -> None:
        """Stop listening; connections are then refused."""
        self._controller.stop(no_assert=True)


def text_of(message: EmailMessage) -> str:
    """The plain text of a mail."""
    part = message.get_body(("plain",))
    return part.get_content() if part is not None else ""


def link_in(message: EmailMessage, *, below: str = "") -> str:
    """The first link in a mail's text, to a path that begins with `below`."""
    found = re.search(rf"https?://[^/\s]+{re.escape(below)}\S*", text_of(message))
    assert found, text_of(message)
    return found.group()


@pytest.fixture
def mailbox(settings: Any) -> Iterator[Mailbox]:
    """Where mail of this test goes: over SMTP, to a server that keeps it.

    The worker closes its database connection while it sends, so a test that has it send needs
    `committed_db`.
    """
    box = Mailbox()
    box.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", box.port
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    yield box
    box.stop()
