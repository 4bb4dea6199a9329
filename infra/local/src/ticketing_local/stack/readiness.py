"""How to see that a program answers: quick questions that are asked again until they are true."""

import json
import socket
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

CHECK_TIMEOUT_SECONDS = 2.0


def http_ok(url: str) -> Callable[[], bool]:
    """Ready when this address answers with success."""
    parts = urlsplit(url)

    def is_ready() -> bool:
        # Asked many times while everybody starts, so without the weight of a whole client.
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=CHECK_TIMEOUT_SECONDS)
        try:
            connection.request("GET", parts.path)
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    return is_ready


def redis_pong(port: int) -> Callable[[], bool]:
    """Ready when Redis has loaded its data and answers a ping."""
    return lambda: _first_line(port, b"PING\r\n").startswith(b"+PONG")


def nats_jetstream(port: int) -> Callable[[], bool]:
    """Ready when NATS greets with JetStream on."""

    def is_ready() -> bool:
        verb, _, greeting = _first_line(port).partition(b" ")
        return verb == b"INFO" and bool(json.loads(greeting).get("jetstream"))

    return is_ready


def _first_line(port: int, request: bytes = b"") -> bytes:
    try:
        with socket.create_connection(
            ("127.0.0.1", port), timeout=CHECK_TIMEOUT_SECONDS
        ) as connection:
            connection.sendall(request)
            with connection.makefile("rb") as response:
                return response.readline()
    except OSError:
        return b""
