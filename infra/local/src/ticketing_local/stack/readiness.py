"""Readiness checks. Each is cheap, because it is repeated until it succeeds."""

import json
import socket
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

CHECK_TIMEOUT_SECONDS = 2.0


def http_ok(url: str) -> Callable[[], bool]:
    """Return a check whether this URL responds with 200."""
    parts = urlsplit(url)

    def is_ready() -> bool:
        # httpx takes much longer to create a client, while the whole stack is starting.
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=CHECK_TIMEOUT_SECONDS)
        try:
            connection.request("GET", parts.path)
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    return is_ready


def redis_responds(port: int) -> Callable[[], bool]:
    """Return a check whether Redis responds, also if it asks for a password first."""
    return lambda: _first_line(port, b"PING\r\n").startswith((b"+PONG", b"-NOAUTH"))


def nats_jetstream(port: int) -> Callable[[], bool]:
    """Return a check whether NATS responds and has JetStream."""

    def is_ready() -> bool:
        verb, _, info = _first_line(port).partition(b" ")
        return verb == b"INFO" and bool(json.loads(info).get("jetstream"))

    return is_ready


def _first_line(port: int, request: bytes = b"") -> bytes:
    try:
        with (
            socket.create_connection(("127.0.0.1", port), CHECK_TIMEOUT_SECONDS) as connection,
            connection.makefile("rb") as response,
        ):
            connection.sendall(request)
            return response.readline()
    except OSError:
        return b""
