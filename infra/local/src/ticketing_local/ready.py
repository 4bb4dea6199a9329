"""How to see that a program answers: quick questions that are asked again until they are true."""

import json
import socket
from collections.abc import Callable

import httpx

PATIENCE = 2.0


def http_ok(url: str) -> Callable[[], bool]:
    """Ready when this address answers with success."""

    def ready() -> bool:
        try:
            return httpx.get(url, timeout=PATIENCE, trust_env=False).is_success
        except httpx.TransportError:
            return False

    return ready


def redis_pong(port: int) -> Callable[[], bool]:
    """Ready when Redis has loaded its data and answers a ping."""
    return lambda: _first_line(port, b"PING\r\n").startswith(b"+PONG")


def nats_jetstream(port: int) -> Callable[[], bool]:
    """Ready when NATS greets with JetStream on."""

    def ready() -> bool:
        verb, _, greeting = _first_line(port).partition(b" ")
        return verb == b"INFO" and bool(json.loads(greeting).get("jetstream"))

    return ready


def _first_line(port: int, question: bytes = b"") -> bytes:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
            connection.sendall(question)
            with connection.makefile("rb") as answer:
                return answer.readline()
    except OSError:
        return b""
