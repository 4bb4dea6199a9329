"""Tests of order events, repeated, late and out of order."""

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
from common.testing.client import Client
from common.testing.events import EventProbe
from common.values.ids import new_id

Order = OrderCreated | OrderUpdated | OrderCancelled | OrderCompleted
EVENT_TYPE: dict[OrderStatus, type[Order]] = {
    OrderStatus.CREATED: OrderCreated,
    OrderStatus.AWAITING_PAYMENT: OrderUpdated,
    OrderStatus.CANCELLED: OrderCancelled,
    OrderStatus.COMPLETE: OrderCompleted,
}


@pytest.fixture
async def ticket(tickets: Client) -> dict[str, Any]:
    tickets.sign_in()
    return (await tickets.post("/api/tickets", json={"title": "Front row", "price": 20})).json()


def order_event(
    ticket: dict[str, Any], status: OrderStatus, *, order_id: str, hold: int = 1, version: int = 0
) -> Order:
    return EVENT_TYPE[status](
        id=order_id,
        version=version,
        status=status,
        user_id=new_id(),
        expires_at=datetime(2030, 1, 1, tzinfo=UTC),
        ticket=OrderedTicket(id=ticket["id"], title=ticket["title"], price=2000, hold=hold),
    )


async def publish_events(published: EventProbe, *events: Order) -> None:
    for event in events:
        await published.publish(event, aggregate_id=event.id)
    await published.wait_until_handled("tickets-orders")


async def ticket_state(tickets: Client, ticket: dict[str, Any]) -> tuple[str, str | None, int]:
    shown = (await tickets.get(f"/api/tickets/{ticket['id']}")).json()
    return shown["status"], shown["orderId"], shown["version"]


async def test_created_order_reserves_the_ticket_and_publishes_it(
    tickets: Client, ticket: dict[str, Any], published: EventProbe
) -> None:
    order_id = new_id()

    await publish_events(published, order_event(ticket, OrderStatus.CREATED, order_id=order_id))

    assert await ticket_state(tickets, ticket) == ("reserved", order_id, 1)
    event = await published.next(TicketUpdated)
    assert (event.id, event.order_id, event.version) == (ticket["id"], order_id, 1)


async def test_cancelled_order_frees_the_ticket(
    tickets: Client, ticket: dict[str, Any], published: EventProbe
) -> None:
    order_id = new_id()

    await publish_events(
        published,
        order_event(ticket, OrderStatus.CREATED, order_id=order_id),
        order_event(ticket, OrderStatus.CANCELLED, order_id=order_id, version=1),
    )

    assert await ticket_state(tickets, ticket) == ("available", None, 2)
    assert len((await tickets.get("/api/tickets")).json()) == 1


async def test_completed_order_sells_the_ticket(
    tickets: Client, ticket: dict[str, Any], published: EventProbe
) -> None:
    order_id = new_id()

    await publish_events(
        published,
        order_event(ticket, OrderStatus.CREATED, order_id=order_id),
        order_event(ticket, OrderStatus.AWAITING_PAYMENT, order_id=order_id, version=1),
        order_event(ticket, OrderStatus.COMPLETE, order_id=order_id, version=2),
    )

    assert await ticket_state(tickets, ticket) == ("sold", order_id, 3)
    assert (await tickets.get("/api/tickets")).json() == []


async def test_repeated_order_event_is_applied_once(
    tickets: Client, ticket: dict[str, Any], published: EventProbe
) -> None:
    event = order_event(ticket, OrderStatus.CREATED, order_id=new_id())

    await publish_events(published, event, event, event)

    assert await ticket_state(tickets, ticket) == ("reserved", event.id, 1)
    await published.next(TicketUpdated)
    assert len(await published.all(TicketUpdated)) == 1


async def test_order_cancelled_before_its_creation_never_reserves(
    tickets: Client, ticket: dict[str, Any], published: EventProbe
) -> None:
    order_id = new_id()

    await publish_events(
        published, order_event(ticket, OrderStatus.CANCELLED, order_id=order_id, version=1)
    )
    await publish_events(
        published, order_event(ticket, OrderStatus.CREATED, order_id=order_id, version=0)
    )

    assert (await ticket_state(tickets, ticket))[:2] == ("available", None)


async def test_late_event_of_an_earlier_order_changes_nothing(
    tickets: Client, ticket: dict[str, Any], published: EventProbe
) -> None:
    old_order_id, current_order_id = new_id(), new_id()
    await publish_events(
        published, order_event(ticket, OrderStatus.CREATED, order_id=current_order_id, hold=2)
    )

    await publish_events(
        published,
        order_event(ticket, OrderStatus.CREATED, order_id=old_order_id, hold=1),
        order_event(ticket, OrderStatus.CANCELLED, order_id=old_order_id, hold=1, version=1),
    )

    assert await ticket_state(tickets, ticket) == ("reserved", current_order_id, 1)


async def test_edit_that_an_order_overtook_is_shown_and_applies_when_free(
    tickets: Client, ticket: dict[str, Any], published: EventProbe
) -> None:
    order_id, path = new_id(), f"/api/tickets/{ticket['id']}"
    edited = await tickets.put(path, json={"title": "Front row", "price": 99})

    await publish_events(published, order_event(ticket, OrderStatus.CREATED, order_id=order_id))
    reserved = (await tickets.get(path)).json()
    await publish_events(
        published, order_event(ticket, OrderStatus.CANCELLED, order_id=order_id, version=1)
    )
    freed = (await tickets.get(path)).json()

    assert edited.json()["price"] == 99
    assert (reserved["price"], reserved["lateEdit"]) == (20, {"title": "Front row", "price": 99})
    assert (freed["price"], freed["lateEdit"]) == (99, None)


async def test_invalid_event_does_not_block_the_next(
    tickets: Client, ticket: dict[str, Any], published: EventProbe
) -> None:
    await published.bus.connection.js.publish(
        published.bus.connection.subject("order.created"), b'{"id": 7}'
    )

    await publish_events(published, order_event(ticket, OrderStatus.CREATED, order_id=new_id()))

    assert (await ticket_state(tickets, ticket))[0] == "reserved"
    assert [letter["reason"] for letter in await published.dead_letters()] == ["invalid"]
