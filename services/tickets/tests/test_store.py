"""Tests of tickets in MongoDB."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

from common.events import OrderStatus
from common.values.ids import new_id
from tickets.domain.ticket import Fence, Listing, Ticket, list_ticket
from tickets.search import TicketQuery
from tickets.store.tickets import TicketStore

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


async def add_ticket(store: TicketStore, title: str = "Front row", price: int = 1999) -> Ticket:
    change = list_ticket(ticket_id=new_id(), title=title, price=price, seller_id=new_id(), now=NOW)
    return await store.insert_idempotent(change)


async def test_ticket_round_trips(store: TicketStore) -> None:
    ticket = await add_ticket(store)
    ordered = Listing("Front row", 1500)
    locked = await store.update(
        ticket.id,
        lambda t: t.apply_order(
            "1" * 24, OrderStatus.CREATED, Fence(3, 2), ordered, buyer_id="9" * 24, now=NOW
        ),
    )

    assert await store.get(ticket.id) == locked
    assert locked == replace(
        ticket,
        version=1,
        price=1500,
        status="reserved",
        order_id="1" * 24,
        fence=Fence(3, 2),
        late_edit=Listing("Front row", 1999),
    )


async def test_withdrawn_ticket_round_trips_and_is_not_listed(store: TicketStore) -> None:
    ticket = await add_ticket(store)
    withdrawn = await store.update(ticket.id, lambda t: t.withdraw(user_id=t.user_id, now=NOW))

    assert withdrawn == replace(ticket, version=1, withdrawn=True, withdrawn_at=NOW)
    assert await store.get(ticket.id) == withdrawn
    assert (await store.list_available(TicketQuery(), limit=10)).items == []


async def test_ticket_of_an_earlier_version_is_read(store: TicketStore) -> None:
    ticket = await add_ticket(store)
    await store.collection.update_one({}, {"$unset": {"late_edit": "", "withdrawing": ""}})

    assert await store.get(ticket.id) == ticket


async def test_every_version_is_in_the_outbox_once(store: TicketStore) -> None:
    ticket = await add_ticket(store)

    await asyncio.gather(
        *(
            store.update(
                ticket.id,
                lambda t, price=price: t.edit(user_id=ticket.user_id, title=t.title, price=price),
            )
            for price in range(100, 110)
        )
    )

    doc = await store.collection.find_one({})
    assert doc is not None
    assert doc["version"] == 10
    entry_ids = [entry["id"] for entry in doc["outbox"]]
    assert entry_ids == [f"ticket.created:{ticket.id}:0"] + [
        f"ticket.updated:{ticket.id}:{version}" for version in range(1, 11)
    ]


async def test_repeated_insert_stores_one_ticket(store: TicketStore) -> None:
    change = list_ticket(ticket_id=new_id(), title="x", price=100, seller_id=new_id(), now=NOW)

    await store.insert_idempotent(change)
    await store.insert_idempotent(change)

    assert await store.collection.count_documents({}) == 1


async def test_list_by_seller_contains_only_own_tickets(store: TicketStore) -> None:
    mine = await add_ticket(store)
    await add_ticket(store)

    page = await store.list_by_seller(mine.user_id, limit=10, cursor=None)

    assert page.items == [mine]
