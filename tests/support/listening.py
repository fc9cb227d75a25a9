"""A loopback server that many calls may reach at once."""

from __future__ import annotations

import random
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def free_port() -> int:
    """Return a port for a server that cannot choose one itself.

    One that the system chooses may be given to any connection, too, before the server has it: so a port below
    those that the system gives.
    """
    while True:
        port = random.SystemRandom().randrange(10_000, 30_000)
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class LoopbackServer(ThreadingHTTPServer):
    """Listens on a free port; each connection has a thread.

    By default five connections may wait to be taken. The system drops the next one, and its client tries
    again a second later: a pause that any test with more calls in flight met now and then.
    """

    request_queue_size = 256
    daemon_threads = True

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
