"""Tickets in MongoDB: what goes in comes out, writers race fairly, lists use an index."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from common.app import Service
from common.events import OrderStatus
from common.values.ids import new_id
from tickets.domain import Fence, Sort, Ticket, listed
from tickets.settings import Settings
from tickets.store import TicketDocument, TicketStore

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
async def store(environment: dict[str, Any], published: object) -> AsyncGenerator[TicketStore]:
    """The store alone; its relay stands still, so that the outbox can be seen."""
    assert published
    service = Service.configured("tickets", Settings(**environment))
    async with service.running([TicketDocument]) as running:
        await running.relay.stop(0)
        yield TicketStore(running.relay, running.clock)


async def added(store: TicketStore, title: str = "Front row", price: int = 1999) -> Ticket:
    change = listed(ticket_id=new_id(), title=title, price=price, by=new_id(), now=NOW)
    return await store.add_once(change)


async def test_a_ticket_comes_back_as_it_went_in(store: TicketStore) -> None:
    ticket = await added(store)
    locked = await store.change(
        ticket.id, lambda t: t.follow("1" * 24, OrderStatus.CREATED, Fence(3, 2))
    )

    assert await store.get(ticket.id) == locked
    assert locked == replace(
        ticket, version=1, status="reserved", order_id="1" * 24, fence=Fence(3, 2)
    )


async def test_every_version_waits_in_the_outbox_once(store: TicketStore) -> None:
    ticket = await added(store)

    await asyncio.gather(
        *(
            store.change(
                ticket.id,
                lambda t, price=price: t.edit(by=ticket.user_id, title=t.title, price=price),
            )
            for price in range(100, 110)
        )
    )

    doc = await store.collection.find_one({})
    assert doc is not None
    assert doc["version"] == 10
    waiting = [entry["id"] for entry in doc["outbox"]]
    assert waiting == [f"ticket.created:{ticket.id}:0"] + [
        f"ticket.updated:{ticket.id}:{version}" for version in range(1, 11)
    ]


async def test_the_same_ticket_again_is_the_same_ticket(store: TicketStore) -> None:
    change = listed(ticket_id=new_id(), title="x", price=100, by=new_id(), now=NOW)

    await store.add_once(change)
    await store.add_once(change)

    assert await store.collection.count_documents({}) == 1


@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize("q", ["", "front"])
async def test_the_list_never_reads_the_whole_collection(
    store: TicketStore, sort: Sort, q: str
) -> None:
    await added(store)
    seen: list[dict[str, Any]] = []
    find = store.collection.find

    page = await store.available(q=q, sort=sort, limit=10)
    filters: list[dict[str, Any]] = [{"status": "available"}]
    if q:
        filters.append({"words": {"$regex": f"^{q}"}})
    plan = await find({"$and": filters}).sort([("_id", -1)]).explain()
    seen.append(plan["queryPlanner"]["winningPlan"])

    assert len(page.items) == 1
    assert "COLLSCAN" not in str(seen)


async def test_a_sellers_list_holds_their_own(store: TicketStore) -> None:
    mine = await added(store)
    await added(store)

    page = await store.of_seller(mine.user_id, limit=10, cursor=None)

    assert page.items == [mine]
