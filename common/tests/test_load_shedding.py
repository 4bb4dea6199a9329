import asyncio
from collections.abc import AsyncGenerator

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from common.testing.plugin import eventually
from common.web.load_shedding import Admission

MOST = 2


class Slow:
    """An app whose requests stay until they are let go."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.inside = 0
        self.app = FastAPI()
        self.app.add_api_route("/slow", self.slow)
        self.app.add_api_route("/broken", self.broken)
        self.app.add_api_route("/stream", self.stream)
        self.app.add_api_route("/readyz", self.ready)
        self.app.add_middleware(Admission, most=MOST)
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://slow.test")

    async def slow(self) -> None:
        self.inside += 1
        await self.go.wait()

    async def ready(self) -> str:
        return "ready"

    async def broken(self) -> None:
        raise RuntimeError("broken")

    async def stream(self) -> StreamingResponse:
        async def frames() -> AsyncGenerator[bytes]:
            yield b"frame"
            self.inside += 1
            await self.go.wait()

        return StreamingResponse(frames())

    async def filled(self, path: str = "/slow") -> list[asyncio.Task[httpx.Response]]:
        waiting = [asyncio.create_task(self.http.get(path)) for _ in range(MOST)]

        async def all_inside() -> bool:
            return self.inside == MOST

        await eventually(all_inside)
        return waiting


@pytest.fixture
async def slow() -> AsyncGenerator[Slow]:
    slow = Slow()
    yield slow
    await slow.http.aclose()


async def test_whoever_comes_beyond_is_told_at_once_to_come_back(slow: Slow) -> None:
    waiting = await slow.filled()

    refused = await slow.http.get("/slow")

    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "1"
    assert refused.json() == {"errors": [{"message": "Too busy, please try again"}]}
    slow.go.set()
    assert [answer.status_code for answer in await asyncio.gather(*waiting)] == [200] * MOST


async def test_an_answered_request_makes_room(slow: Slow) -> None:
    waiting = await slow.filled()
    slow.go.set()
    await asyncio.gather(*waiting)

    assert (await slow.http.get("/slow")).status_code == 200


async def test_a_broken_request_makes_room(slow: Slow) -> None:
    for _ in range(MOST + 1):
        assert (await slow.http.get("/broken")).status_code == 500


async def test_a_request_that_is_given_up_makes_room(slow: Slow) -> None:
    for given_up in await slow.filled():
        given_up.cancel()
        await asyncio.wait([given_up])
    slow.go.set()

    assert (await slow.http.get("/slow")).status_code == 200


async def test_an_open_stream_takes_no_room(slow: Slow) -> None:
    streams = await slow.filled("/stream")
    slow.go.set()

    assert (await slow.http.get("/slow")).status_code == 200
    await asyncio.gather(*streams)


async def test_the_platform_is_always_answered(slow: Slow) -> None:
    waiting = await slow.filled()

    assert (await slow.http.get("/readyz")).status_code == 200
    slow.go.set()
    await asyncio.gather(*waiting)
