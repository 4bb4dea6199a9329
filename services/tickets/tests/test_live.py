"""Tests of ticket changes as server-sent events."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest

from common.testing.client import errors, make_user, session_cookie
from common.testing.polling import TIMEOUT_SECONDS
from common.testing.server import serve_over_tcp, sse_events
from common.web.sse import MAX_CONNECTIONS_PER_SESSION
from tickets.app import create_app
from tickets.settings import Settings

EVENTS = "/api/tickets/events"


@pytest.fixture
async def seller(
    environment: dict[str, Any], published: object
) -> AsyncGenerator[httpx.AsyncClient]:
    """A signed-in client of a service that can stream."""
    assert published
    async with (
        serve_over_tcp(create_app(Settings(**environment))) as address,
        httpx.AsyncClient(
            base_url=address, cookies={"session": session_cookie(make_user())}
        ) as one,
    ):
        yield one


async def create_ticket(seller: httpx.AsyncClient, title: str) -> dict[str, Any]:
    return (await seller.post("/api/tickets", json={"title": title, "price": 20})).json()


async def test_created_ticket_is_streamed(seller: httpx.AsyncClient) -> None:
    async with seller.stream("GET", EVENTS) as response:
        shown = sse_events(response)
        assert await anext(shown) == {"retry": "1000"}

        ticket = await create_ticket(seller, "Front row")

        frame = await asyncio.wait_for(anext(shown), TIMEOUT_SECONDS)
        assert response.headers["content-type"].startswith("text/event-stream")
        assert frame["event"] == "ticket"
        assert json.loads(frame["data"]).items() <= ticket.items()


async def test_reconnected_client_receives_missed_events(seller: httpx.AsyncClient) -> None:
    async with seller.stream("GET", EVENTS) as response:
        shown = sse_events(response)
        await anext(shown)
        await create_ticket(seller, "seen")
        last = (await asyncio.wait_for(anext(shown), TIMEOUT_SECONDS))["id"]
    missed = await create_ticket(seller, "missed")

    async with seller.stream("GET", EVENTS, headers={"Last-Event-ID": last}) as response:
        shown = sse_events(response)
        await anext(shown)
        frame = await asyncio.wait_for(anext(shown), TIMEOUT_SECONDS)

    assert json.loads(frame["data"])["id"] == missed["id"]


async def test_reconnected_client_gets_a_reset_if_events_are_lost(
    seller: httpx.AsyncClient,
) -> None:
    async with seller.stream("GET", EVENTS, headers={"Last-Event-ID": "7"}) as response:
        shown = sse_events(response)
        await anext(shown)

        assert (await asyncio.wait_for(anext(shown), TIMEOUT_SECONDS))["event"] == "reset"


async def test_streams_beyond_the_limit_of_a_session_are_429(seller: httpx.AsyncClient) -> None:
    opened = [seller.stream("GET", EVENTS) for _ in range(MAX_CONNECTIONS_PER_SESSION)]
    for stream in opened:
        assert (await stream.__aenter__()).status_code == 200

    rejected = await seller.get(EVENTS)

    assert rejected.status_code == 429
    assert "retry-after" in rejected.headers
    assert errors(rejected)
    for stream in opened:
        await stream.__aexit__(None, None, None)


async def test_invalid_last_event_id_is_rejected(seller: httpx.AsyncClient) -> None:
    response = await seller.get(EVENTS, headers={"Last-Event-ID": "x"})

    assert response.status_code == 400
