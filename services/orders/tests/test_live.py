"""Tests of order changes as server-sent events."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest

from common.auth.tokens import ACCESS_LIFETIME, User
from common.events import SessionRevoked, TicketCreated
from common.testing.client import make_user, session_cookie
from common.testing.events import EventProbe
from common.testing.polling import TIMEOUT_SECONDS, eventually
from common.testing.server import serve_over_tcp, sse_events
from common.values.clock import utc_now
from common.values.ids import new_id
from orders.app import create_app
from orders.settings import Settings

EVENTS = "/api/orders/events"


@pytest.fixture
async def address(environment: dict[str, Any], published: EventProbe) -> AsyncGenerator[str]:
    assert published
    async with serve_over_tcp(create_app(Settings(**environment))) as address:
        yield address


def buyer_client(address: str, user: User | None = None) -> httpx.AsyncClient:
    session = session_cookie(user or make_user())
    return httpx.AsyncClient(base_url=address, cookies={"session": session})


async def place_order(buyer: httpx.AsyncClient, published: EventProbe) -> dict[str, Any]:
    ticket = TicketCreated(id=new_id(), version=0, title="x", price=100, user_id=new_id())
    await published.publish(ticket, aggregate_id=ticket.id)

    async def placed() -> dict[str, Any]:
        response = await buyer.post("/api/orders", json={"ticketId": ticket.id})
        return response.json() if response.status_code == 201 else {}

    return await eventually(placed)


async def test_order_changes_are_streamed_to_the_buyer(address: str, published: EventProbe) -> None:
    async with buyer_client(address) as buyer, buyer.stream("GET", EVENTS) as response:
        shown = sse_events(response)
        await anext(shown)

        placed = await place_order(buyer, published)
        first = await asyncio.wait_for(anext(shown), TIMEOUT_SECONDS)
        await buyer.delete(f"/api/orders/{placed['id']}")
        second = await asyncio.wait_for(anext(shown), TIMEOUT_SECONDS)

    assert first["event"] == second["event"] == "order"
    assert json.loads(first["data"]).items() <= placed.items()
    assert json.loads(second["data"])["status"] == "cancelled"


async def test_orders_of_another_buyer_are_not_streamed(
    address: str, published: EventProbe
) -> None:
    async with (
        buyer_client(address) as watcher,
        buyer_client(address) as buyer,
        watcher.stream("GET", EVENTS) as response,
    ):
        shown = sse_events(response)
        await anext(shown)
        await place_order(buyer, published)
        own = await place_order(watcher, published)

        frame = await asyncio.wait_for(anext(shown), TIMEOUT_SECONDS)

    assert json.loads(frame["data"])["id"] == own["id"]


async def test_idle_stream_of_a_revoked_session_ends(address: str, published: EventProbe) -> None:
    user = make_user()
    async with buyer_client(address, user) as buyer, buyer.stream("GET", EVENTS) as response:
        shown = sse_events(response)
        await anext(shown)
        until = utc_now() + ACCESS_LIFETIME
        revoked = SessionRevoked(user_id=user.id, session_id=user.session_id, until=until)

        await published.publish(revoked, aggregate_id=user.session_id)

        async with asyncio.timeout(TIMEOUT_SECONDS):
            assert [event async for event in shown] == []


async def test_stream_without_a_session_is_401(address: str) -> None:
    async with httpx.AsyncClient(base_url=address) as anonymous:
        response = await anonymous.get(EVENTS)

    assert response.status_code == 401
