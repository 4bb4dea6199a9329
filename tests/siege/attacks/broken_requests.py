"""Requests that violate HTTP or are given up half-way. They must not mark a backend as down."""

import asyncio
import contextlib
import random
from typing import Final

from common.testing.raw_http import request_bytes
from siege.attack import Attack, Siege
from siege.attacker import Attacker, Facts

PATHS: Final = ("/api/tickets", "/api/orders", "/api/payments", "/api/users/signin")
INTERVAL_SECONDS: Final = 0.3
PAUSE_SECONDS: Final = 0.05
RESPONSE_SECONDS: Final = 1.0
CHUNKED: Final = {"Transfer-Encoding": "chunked", "Content-Type": "application/json"}
JSON: Final = {"Content-Type": "application/json"}


async def _prepare(siege: Siege) -> Facts:
    _, (cookie,) = siege.session_cookies(1)
    return {"cookie": cookie}


def _headers(attacker: Attacker, number: int) -> dict[str, str]:
    """Return the headers of every second request to each path with a session."""
    return {"Cookie": attacker.facts["cookie"]} if number // len(PATHS) % 2 else {}


async def malformed_chunks(attacker: Attacker) -> None:
    """Send bodies whose second chunk has no valid length, to each service."""

    async def send_one(number: int) -> None:
        headers = _headers(attacker, number) | CHUNKED
        head = request_bytes("POST", PATHS[number % len(PATHS)], headers)
        async with await attacker.connect(number) as connection:
            await connection.send(head + b"5\r\n{    \r\n")
            await attacker.pace(PAUSE_SECONDS)
            await connection.send(b"no length\r\n")
            with contextlib.suppress(TimeoutError):
                attacker.count(await connection.receive(RESPONSE_SECONDS))
        await attacker.pace(INTERVAL_SECONDS)

    await attacker.repeat(2 * len(PATHS), send_one)


async def abandoned_uploads(attacker: Attacker) -> None:
    """Close the connection in the middle of the body, with and without a reset."""

    async def send_one(number: int) -> None:
        headers = _headers(attacker, number) | JSON | {"Content-Length": "5000"}
        connection = await attacker.connect(number)
        await connection.send(
            request_bytes("POST", PATHS[number % len(PATHS)], headers, b"{" * 2500)
        )
        await attacker.pace(PAUSE_SECONDS)
        connection.abort() if random.random() < 0.5 else connection.close()
        attacker.count(None)
        await attacker.pace(INTERVAL_SECONDS)

    await attacker.repeat(2 * len(PATHS), send_one)


def _odd_requests(path: str, cookie: str) -> list[bytes]:
    """Return requests that violate HTTP, or that few clients send."""
    session = {"Cookie": cookie} if cookie else {}
    post, body = session | JSON, b'{"title": "x", "price": 5}'
    return [
        request_bytes("POST", path, post | {"Expect": "100-continue", "Content-Length": "500"}),
        request_bytes("POST", path, post | CHUNKED | {"Content-Length": "7"}, body),
        request_bytes("POST", path, post | {"Content-Length": "-1"}, body),
        request_bytes("POST", path, post | {"Content-Length": "9" * 30}, body),
        request_bytes("POST", path, post | {"Content-Length": str(2**40)}, body),
        request_bytes("POST", path, post | {"Transfer-Encoding": "gzip, chunked"}, body),
        request_bytes("POST", path, post | CHUNKED) + b"ffffffffffffffffff\r\n" + body,
        request_bytes("POST", path, post | CHUNKED) + b"1a;" + b"x" * 9_000 + b"\r\n" + body,
        request_bytes("POST", path, post | {"Content-Encoding": "gzip"}, body),
        request_bytes("GET", path, session | {"Upgrade": "websocket", "Connection": "Upgrade"}),
        request_bytes("GET", path, session | {"X-Long": "x" * 60_000}),
        request_bytes("GET", path, session | {f"X-{n}": "x" for n in range(2_000)}),
        request_bytes("GET", path, session | {"X-Control": "a\x01\x7fb"}),
        request_bytes("GET", f"{path}/%00%ff%2e%2e", session),
        request_bytes("GET", f"{path}?{'a=b&' * 15_000}", session),
        request_bytes("HEAD", path, session, body),
        request_bytes("TRACE", path, session),
        request_bytes("BREW", path, session, body),
        request_bytes("GET", "/api/tickets/events", session | {"Last-Event-ID": "0"}),
        request_bytes("GET", "/api/tickets?limit=100", session),
        b"GET http://localhost" + path.encode() + b" HTTP/1.0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ]


async def odd_requests(attacker: Attacker) -> None:
    """Send every odd request to every service, and sometimes give up before its response."""
    cookie = attacker.facts["cookie"]
    requests = [raw for path in PATHS for used in ("", cookie) for raw in _odd_requests(path, used)]

    async def send_one(number: int) -> None:
        connection = await attacker.connect(number)
        try:
            await connection.send(random.choice(requests))
            if random.random() < 0.5:
                with contextlib.suppress(TimeoutError, ValueError):
                    attacker.count(await connection.receive(RESPONSE_SECONDS))
        finally:
            connection.abort() if random.random() < 0.5 else connection.close()
        await attacker.pace(INTERVAL_SECONDS)

    await attacker.repeat(12, send_one)


async def unread_responses(attacker: Attacker) -> None:
    """Request large pages on one connection after another, and never read them."""
    pages = request_bytes("GET", "/api/tickets?limit=100") * 20

    async def send_one(number: int) -> None:
        connection = await attacker.connect(number)
        try:
            async with asyncio.timeout(RESPONSE_SECONDS):
                await connection.send(pages)
                await attacker.pace(RESPONSE_SECONDS)
        finally:
            connection.abort()
            attacker.count(None)

    await attacker.repeat(50, send_one)


ATTACKS: Final = (
    Attack("malformed-chunks", "chunks without a valid length", malformed_chunks, prepare=_prepare),
    Attack("abandoned-uploads", "uploads given up half-way", abandoned_uploads, prepare=_prepare),
    Attack("odd-requests", "requests that violate HTTP", odd_requests, prepare=_prepare),
    Attack(
        "unread-responses",
        "responses that are requested and never read",
        unread_responses,
        exhausts_its_address=True,
    ),
)
