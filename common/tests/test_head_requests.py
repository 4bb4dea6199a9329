"""Tests that a HEAD request gets the head of the response to GET, and nothing else."""

import asyncio
from collections.abc import AsyncGenerator

import httpx
import pytest
from fastapi import FastAPI, Response

from common.testing.polling import eventually
from common.testing.server import serve_over_tcp
from common.web.head_requests import HeadMiddleware
from common.web.sse import EventBroadcaster


@pytest.fixture
async def http() -> AsyncGenerator[httpx.AsyncClient]:
    """A client of a server with a page, a write, and a stream of which there may be one."""
    app = FastAPI()
    app.state.opened = asyncio.Event()
    app.state.opened.set()
    broadcaster = EventBroadcaster(max_per_network=1)

    @app.get("/page")
    async def page() -> dict[str, int]:
        return {"tickets": 1}

    @app.post("/order")
    async def order() -> None:
        raise AssertionError

    @app.get("/stream")
    async def stream() -> Response:
        return broadcaster.stream(network="192.0.2.1", session=None)

    app.add_middleware(HeadMiddleware)
    async with (
        serve_over_tcp(app) as address,
        httpx.AsyncClient(base_url=address) as client,
    ):
        yield client
        broadcaster.close()


async def test_head_returns_the_headers_of_get(http: httpx.AsyncClient) -> None:
    got = await http.get("/page")

    head = await http.head("/page")

    assert (head.status_code, head.content) == (200, b"")
    assert {**head.headers, "date": ""} == {**got.headers, "date": ""}
    assert (await http.head("/nothing")).status_code == 404


async def test_head_of_a_write_is_not_allowed(http: httpx.AsyncClient) -> None:
    response = await http.head("/order")

    assert response.status_code == 405


async def test_head_of_a_stream_ends_and_frees_its_place(http: httpx.AsyncClient) -> None:
    head = await http.head("/stream")

    async def has_free_place() -> bool:
        async with http.stream("GET", "/stream") as response:
            return response.status_code == 200

    assert head.status_code == 200
    assert head.headers["content-type"].startswith("text/event-stream")
    assert await eventually(has_free_place)
