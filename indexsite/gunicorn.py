"""The web server's configuration: `gunicorn indexsite.wsgi --config indexsite/gunicorn.py`.

Read from the environment: HOST, PORT, WEB_WORKERS, WEB_THREADS, ACCESS_LOG. Only gthread workers
carry a refused upload's reason phrase to the client.
"""

from __future__ import annotations

import contextlib
import logging
import mmap
import os
import select
import socket
import struct
import sys
import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

SILENCE_LIMIT = 60  # seconds that a client may let a request or an answer stand still
LEAVE = 2  # seconds that a client may be silent after its answer, before it closes its end
LONGEST_LEAVE = 30  # seconds that it may go on sending
MOMENT = 2  # milliseconds that a thread waits for the next request of its client
FEW_CLIENTS = 8  # connections of a process, up to which threads do so
TURN = 0.001  # seconds that a process leaves a new client to those that have fewer
_PROCESSES, _NONE = 256, -1
# How many connections each process has, in memory that all of them share
_connections = memoryview(mmap.mmap(-1, 4 * _PROCESSES)).cast("i")
for _place in range(_PROCESSES):
    _connections[_place] = _NONE


class Worker(ThreadWorker):
    """gthread that shares clients evenly, stays with those who ask again at once, and takes leave
    in their thread.

    All processes hear of a new client, and the quickest takes it: of eight connections one process
    sometimes got seven, and the other one's processor had nothing to do.

    gunicorn hands each request from the loop that accepts connections to a thread, and the
    connection back, which takes a third of the time of a small answer. A client that follows the
    index asks again within a moment, so while there are few clients, the thread waits that long.

    gunicorn 27 waits up to 2 s for a client to close its end, so that the answer is not cut off
    (RFC 9112, section 9.6), but in the one loop that accepts connections: 30 clients that do not
    close it would stop the worker for a minute. And it gives up once 64 KiB came, so who was
    refused at the beginning of a large file got a reset in place of the reason.
    """

    @property
    def nr_conns(self) -> int:
        """How many connections this process has; gunicorn counts them."""
        return _connections[self.age % _PROCESSES]

    @nr_conns.setter
    def nr_conns(self, count: int) -> None:
        _connections[self.age % _PROCESSES] = count

    def accept(self, listener: Any) -> None:
        """Take a client, unless a process that has fewer does so in its turn."""
        if self.nr_conns > min(count for count in _connections.tolist() if count != _NONE):
            time.sleep(TURN)
        super().accept(listener)

    def handle(self, conn: Any) -> Any:
        """Serve one request, and those that follow at once.

        Returns:
            What gunicorn's own does: False for a connection that ends.
        """
        goes_on = super().handle(conn)
        while goes_on is True and self._asks_again(conn):
            goes_on = super().handle(conn)
        if goes_on is False:
            with contextlib.suppress(OSError), conn.sock:
                self._take_leave(conn.sock)
            conn.close = lambda graceful=False: None
        return goes_on

    def _take_leave(self, client: socket.socket) -> None:
        """Let a client finish what it is sending, as long as it goes on, until it closes."""
        client.setblocking(True)
        client.shutdown(socket.SHUT_WR)
        client.settimeout(LEAVE)
        end = time.monotonic() + LONGEST_LEAVE
        while self.alive and time.monotonic() < end and client.recv(64 * 1024):
            pass

    def _asks_again(self, conn: Any) -> bool:
        """Whether the next request is there in a moment; not where others would have to wait."""
        enough = min(FEW_CLIENTS, self.cfg.threads)
        if self.nr_conns > enough or not self.alive or conn.is_http2:
            return False
        if conn.parser.unreader.buf.getvalue():
            return True
        client = select.poll()
        client.register(conn.sock, select.POLLIN)
        return bool(client.poll(MOMENT))


_host = os.environ.get("HOST") or "127.0.0.1"
_port = os.environ.get("PORT") or "8000"
bind = f"[{_host}]:{_port}" if ":" in _host else f"{_host}:{_port}"

# A slow client holds one thread, so there are more threads than slow clients are expected.
worker_class = Worker
workers = int(os.environ.get("WEB_WORKERS") or 2)
threads = int(os.environ.get("WEB_THREADS") or 40)
keepalive = 5  # seconds
timeout = 120  # seconds without a heartbeat of the whole worker: it says nothing of one request
graceful_timeout = 25  # seconds: less than the 30 after which ./run kills
preload_app = True  # loaded once, then shared; it leaves no database connection open
if os.path.isdir("/dev/shm"):  # noqa: S108
    worker_tmp_dir = "/dev/shm"  # noqa: S108  # a heartbeat must not wait for a disk

# Who the client is and whether it used TLS is decided in one place, by TRUSTED_PROXIES.
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""
header_map = "drop"
limit_request_line = 4094  # bytes
limit_request_field_size = 8190  # bytes

control_socket_disable = True  # it would lie in the home folder, shared by all sites of one user
loglevel = "warning"
if os.environ.get("ACCESS_LOG") == "1":
    accesslog = "-"
# Never %(r)s, %(q)s or %(f)s: one-use links are query strings.
access_log_format = '%(t)s %(h)s "%(m)s %(U)s" %(s)s %(B)s %(M)sms'


def when_ready(server: Any) -> None:
    """Let no client hold a thread by silence: connections inherit both limits from the listener.

    gthread itself waits without end once the first byte of a request has come. Reading is bounded
    by SO_RCVTIMEO (socket(7)), writing by TCP_USER_TIMEOUT (tcp(7)).
    """
    if sys.platform != "linux":
        return
    for listener in server.LISTENERS:
        limit = struct.pack("ll", SILENCE_LIMIT, 0)
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        listener.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE_LIMIT * 1000)


def child_exit(server: Any, worker: Any) -> None:
    """Let nobody wait for a process that has ended."""
    _connections[worker.age % _PROCESSES] = _NONE


def on_starting(server: Any) -> None:
    """Keep the traceback of each client shut out for its silence out of the log."""
    server.log.error_log.addFilter(_is_no_silence)


def _is_no_silence(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], (BlockingIOError, TimeoutError)))
