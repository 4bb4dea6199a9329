import asyncio
from collections.abc import AsyncGenerator

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from common.testing.polling import eventually
from common.web.load_shedding import (
    ConcurrencyLimit,
    ConcurrencyLimitMiddleware,
    LoadSheddingMiddleware,
)
from common.web.rate_limit import RateLimitMiddleware
from common.web.request_body import RequestBodyMiddleware

LIMIT = 2


class SlowApp:
    """An app whose requests block until `finish` is set."""

    def __init__(self) -> None:
        self.finish = asyncio.Event()
        self.in_flight = 0
        self.app = FastAPI()
        self.app.add_api_route("/slow", self.slow)
        self.app.add_api_route("/broken", self.broken)
        self.app.add_api_route("/stream", self.stream)
        self.app.add_api_route("/readyz", self.ready)
        limit = ConcurrencyLimit(max_in_flight=LIMIT, max_per_network=LIMIT - 1)
        self.app.add_middleware(ConcurrencyLimitMiddleware, limit=limit)
        self.app.add_middleware(LoadSheddingMiddleware, limit=limit)
        self.app.add_middleware(RateLimitMiddleware, rate=0, burst=1, trusted_proxies=1)
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://slow.test")

    async def slow(self) -> None:
        self.in_flight += 1
        await self.finish.wait()

    async def ready(self) -> str:
        return "ready"

    async def broken(self) -> None:
        raise RuntimeError("broken")

    async def stream(self) -> StreamingResponse:
        async def chunks() -> AsyncGenerator[bytes]:
            yield b"frame"
            self.in_flight += 1
            await self.finish.wait()

        return StreamingResponse(chunks())

    async def fill(self, path: str = "/slow") -> list[asyncio.Task[httpx.Response]]:
        waiting = [asyncio.create_task(self.http.get(path)) for _ in range(LIMIT)]

        async def is_full() -> bool:
            return self.in_flight == LIMIT

        await eventually(is_full)
        return waiting


@pytest.fixture
async def slow() -> AsyncGenerator[SlowApp]:
    slow = SlowApp()
    yield slow
    await slow.http.aclose()


async def test_request_beyond_limit_returns_503_with_retry_after(slow: SlowApp) -> None:
    waiting = await slow.fill()

    rejected = await slow.http.get("/slow")

    assert rejected.status_code == 503
    assert rejected.headers["Retry-After"] == "1"
    assert rejected.json() == {"errors": [{"message": "Too busy, please try again"}]}
    slow.finish.set()
    assert [response.status_code for response in await asyncio.gather(*waiting)] == [200] * LIMIT


async def test_completed_request_frees_its_place(slow: SlowApp) -> None:
    waiting = await slow.fill()
    slow.finish.set()
    await asyncio.gather(*waiting)

    assert (await slow.http.get("/slow")).status_code == 200


async def test_failed_request_frees_its_place(slow: SlowApp) -> None:
    for _ in range(LIMIT + 1):
        assert (await slow.http.get("/broken")).status_code == 500


async def test_cancelled_request_frees_its_place(slow: SlowApp) -> None:
    for request in await slow.fill():
        request.cancel()
        await asyncio.wait([request])
    slow.finish.set()

    assert (await slow.http.get("/slow")).status_code == 200


async def test_open_stream_does_not_count_as_in_flight(slow: SlowApp) -> None:
    streams = await slow.fill("/stream")
    slow.finish.set()

    assert (await slow.http.get("/slow")).status_code == 200
    await asyncio.gather(*streams)


async def test_probe_is_answered_at_the_limit(slow: SlowApp) -> None:
    waiting = await slow.fill()

    assert (await slow.http.get("/readyz")).status_code == 200
    slow.finish.set()
    await asyncio.gather(*waiting)


async def test_request_beyond_the_limit_of_its_network_is_429(slow: SlowApp) -> None:
    crowd, other = {"X-Forwarded-For": "192.0.2.1"}, {"X-Forwarded-For": "192.0.2.2"}
    waiting = asyncio.create_task(slow.http.get("/slow", headers=crowd))

    async def is_in_flight() -> bool:
        return slow.in_flight == 1

    await eventually(is_in_flight)

    rejected = await slow.http.get("/slow", headers=crowd)
    slow.finish.set()
    accepted = await slow.http.get("/slow", headers=other)

    assert (rejected.status_code, rejected.headers["Retry-After"]) == (429, "1")
    assert accepted.status_code == 200
    assert (await waiting).status_code == 200
    assert (await slow.http.get("/slow", headers=crowd)).status_code == 200


async def test_request_whose_body_is_complete_at_the_limit_is_rejected() -> None:
    limit = ConcurrencyLimit(max_in_flight=1)
    limited = ConcurrencyLimitMiddleware(answer, limit=limit)
    app = LoadSheddingMiddleware(RequestBodyMiddleware(limited, timeout_seconds=60), limit=limit)
    statuses: list[int] = []

    async def receive() -> Message:
        limit.enter(scope)  # another request takes the last place while this body is read
        return {"type": "http.request", "body": b"x", "more_body": False}

    async def send(message: Message) -> None:
        statuses.extend([message["status"]] if "status" in message else [])

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"content-length", b"1")]}
    await app(scope, receive, send)

    assert statuses == [503]


async def answer(_: Scope, __: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})
