"""What tickets hears: each event of its orders once, twice, late and out of order."""

from datetime import UTC, datetime
from typing import Any

import pytest

from common.events import (
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderedTicket,
    OrderStatus,
    OrderUpdated,
    TicketUpdated,
)
from common.testing.plugin import Client, Published
from common.values.ids import new_id

Order = OrderCreated | OrderUpdated | OrderCancelled | OrderCompleted
KIND: dict[OrderStatus, type[Order]] = {
    OrderStatus.CREATED: OrderCreated,
    OrderStatus.AWAITING_PAYMENT: OrderUpdated,
    OrderStatus.CANCELLED: OrderCancelled,
    OrderStatus.COMPLETE: OrderCompleted,
}


@pytest.fixture
async def ticket(tickets: Client) -> dict[str, Any]:
    tickets.as_user()
    return (await tickets.post("/api/tickets", json={"title": "Front row", "price": 20})).json()


def order(
    ticket: dict[str, Any], status: OrderStatus, *, of: str, hold: int = 1, version: int = 0
) -> Order:
    return KIND[status](
        id=of,
        version=version,
        status=status,
        user_id=new_id(),
        expires_at=datetime(2030, 1, 1, tzinfo=UTC),
        ticket=OrderedTicket(id=ticket["id"], title=ticket["title"], price=2000, hold=hold),
    )


async def hear(published: Published, *events: Order) -> None:
    for event in events:
        await published.publish(event, aggregate_id=event.id)
    await published.handled("tickets-orders")


async def seen(tickets: Client, ticket: dict[str, Any]) -> tuple[str, str | None, int]:
    shown = (await tickets.get(f"/api/tickets/{ticket['id']}")).json()
    return shown["status"], shown["orderId"], shown["version"]


async def test_an_order_locks_the_ticket_and_that_is_told(
    tickets: Client, ticket: dict[str, Any], published: Published
) -> None:
    buyer = new_id()

    await hear(published, order(ticket, OrderStatus.CREATED, of=buyer))

    assert await seen(tickets, ticket) == ("reserved", buyer, 1)
    told = await published.next(TicketUpdated)
    assert (told.id, told.order_id, told.version) == (ticket["id"], buyer, 1)


async def test_a_cancelled_order_frees_the_ticket(
    tickets: Client, ticket: dict[str, Any], published: Published
) -> None:
    buyer = new_id()

    await hear(
        published,
        order(ticket, OrderStatus.CREATED, of=buyer),
        order(ticket, OrderStatus.CANCELLED, of=buyer, version=1),
    )

    assert await seen(tickets, ticket) == ("available", None, 2)
    assert len((await tickets.get("/api/tickets")).json()) == 1


async def test_a_paid_order_sells_the_ticket(
    tickets: Client, ticket: dict[str, Any], published: Published
) -> None:
    buyer = new_id()

    await hear(
        published,
        order(ticket, OrderStatus.CREATED, of=buyer),
        order(ticket, OrderStatus.AWAITING_PAYMENT, of=buyer, version=1),
        order(ticket, OrderStatus.COMPLETE, of=buyer, version=2),
    )

    assert await seen(tickets, ticket) == ("sold", buyer, 3)
    assert (await tickets.get("/api/tickets")).json() == []


async def test_an_event_heard_twice_is_applied_once(
    tickets: Client, ticket: dict[str, Any], published: Published
) -> None:
    event = order(ticket, OrderStatus.CREATED, of=new_id())

    await hear(published, event, event, event)

    assert await seen(tickets, ticket) == ("reserved", event.id, 1)
    assert len(await published.all(TicketUpdated)) == 1


async def test_an_order_cancelled_before_it_was_heard_of_never_locks(
    tickets: Client, ticket: dict[str, Any], published: Published
) -> None:
    buyer = new_id()

    await hear(published, order(ticket, OrderStatus.CANCELLED, of=buyer, version=1))
    await hear(published, order(ticket, OrderStatus.CREATED, of=buyer, version=0))

    assert (await seen(tickets, ticket))[:2] == ("available", None)


async def test_a_late_event_of_a_dead_order_neither_frees_nor_locks(
    tickets: Client, ticket: dict[str, Any], published: Published
) -> None:
    dead, alive = new_id(), new_id()
    await hear(published, order(ticket, OrderStatus.CREATED, of=alive, hold=2))

    await hear(
        published,
        order(ticket, OrderStatus.CREATED, of=dead, hold=1),
        order(ticket, OrderStatus.CANCELLED, of=dead, hold=1, version=1),
    )

    assert await seen(tickets, ticket) == ("reserved", alive, 1)


async def test_an_event_that_cannot_be_read_does_not_block_the_next(
    tickets: Client, ticket: dict[str, Any], published: Published
) -> None:
    await published.bus.connection.js.publish(
        published.bus.connection.subject("order.created"), b'{"id": 7}'
    )

    await hear(published, order(ticket, OrderStatus.CREATED, of=new_id()))

    assert (await seen(tickets, ticket))[0] == "reserved"
    assert [letter["reason"] for letter in await published.dead_letters()] == ["invalid"]
