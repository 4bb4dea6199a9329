"""Tests of the withdrawal of tickets, at once or when their orders end."""

from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import httpx
import pytest

from common.errors import BadRequest, Unauthorized
from common.events import (
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderedTicket,
    OrderStatus,
    TicketStatus,
    TicketUpdated,
)
from common.testing.client import Client, errors
from common.testing.events import EventProbe
from common.values.ids import new_id
from tickets.domain.ticket import Fence, Listing, Ticket, list_ticket

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
SELLER, OTHER_USER = "5" * 24, "6" * 24
FIRST, SECOND = "1" * 24, "2" * 24
LISTING = Listing("Front row", 1999)


def make_ticket() -> Ticket:
    return list_ticket(
        ticket_id="7" * 24, title="Front row", price=1999, seller_id=SELLER, now=NOW
    ).after


def apply(ticket: Ticket, status: OrderStatus, hold: int = 1, version: int = 0) -> Ticket:
    order_id = str(hold) * 24
    return ticket.apply_order(
        order_id, status, Fence(hold, version), LISTING, buyer_id=OTHER_USER, now=NOW
    ).after


def flags(ticket: Ticket) -> tuple[TicketStatus, bool, bool]:
    return ticket.status, ticket.withdrawn, ticket.withdrawing


def test_available_ticket_is_withdrawn_and_published() -> None:
    change = make_ticket().withdraw(user_id=SELLER, now=NOW)

    assert flags(change.after) == (TicketStatus.AVAILABLE, True, False)
    (event,) = change.events
    assert isinstance(event, TicketUpdated)
    assert (event.status, event.withdrawn, event.version) == (TicketStatus.AVAILABLE, True, 1)


def test_reserved_ticket_waits_for_its_order() -> None:
    withdrawing = apply(make_ticket(), OrderStatus.CREATED).withdraw(user_id=SELLER, now=NOW).after

    assert flags(withdrawing) == (TicketStatus.RESERVED, False, True)
    freed = apply(withdrawing, OrderStatus.CANCELLED, version=1)
    assert flags(freed) == (TicketStatus.AVAILABLE, True, False)
    sold = apply(withdrawing, OrderStatus.COMPLETE, version=1)
    assert flags(sold) == (TicketStatus.SOLD, False, False)


def test_order_on_a_withdrawn_ticket_stands() -> None:
    reserved = apply(make_ticket().withdraw(user_id=SELLER, now=NOW).after, OrderStatus.CREATED)

    assert flags(reserved) == (TicketStatus.RESERVED, False, True)
    assert reserved.order_id == FIRST


def test_sold_ticket_cannot_be_withdrawn() -> None:
    with pytest.raises(BadRequest, match="already sold"):
        apply(make_ticket(), OrderStatus.COMPLETE).withdraw(user_id=SELLER, now=NOW)


@pytest.mark.parametrize("status", list(OrderStatus))
def test_withdrawal_by_another_user_is_unauthorized_in_any_status(status: OrderStatus) -> None:
    with pytest.raises(Unauthorized):
        apply(make_ticket(), status).withdraw(user_id=OTHER_USER, now=NOW)


@pytest.mark.parametrize("status", [OrderStatus.CREATED, OrderStatus.CANCELLED])
def test_repeated_withdrawal_changes_nothing(status: OrderStatus) -> None:
    ticket = apply(make_ticket(), status).withdraw(user_id=SELLER, now=NOW).after

    again = ticket.withdraw(user_id=SELLER, now=NOW)

    assert (again.after, again.events) == (ticket, ())


@pytest.mark.parametrize("status", [OrderStatus.CREATED, OrderStatus.CANCELLED])
def test_withdrawn_ticket_cannot_be_edited(status: OrderStatus) -> None:
    ticket = apply(make_ticket(), status).withdraw(user_id=SELLER, now=NOW).after

    with pytest.raises(BadRequest, match="Cannot edit"):
        ticket.edit(user_id=SELLER, title="x", price=100)


@pytest.mark.parametrize("withdrawn_after", range(5))
@pytest.mark.parametrize(
    "steps",
    list(
        permutations(
            [
                (OrderStatus.CREATED, 1, 0),
                (OrderStatus.CANCELLED, 1, 1),
                (OrderStatus.CREATED, 2, 0),
                (OrderStatus.CANCELLED, 2, 1),
            ]
        )
    ),
)
def test_ticket_of_cancelled_orders_ends_withdrawn_whatever_the_order_of_events(
    steps: tuple[tuple[OrderStatus, int, int], ...], withdrawn_after: int
) -> None:
    ticket = make_ticket()
    for number, step in enumerate([*steps, None]):
        if number == withdrawn_after:
            ticket = ticket.withdraw(user_id=SELLER, now=NOW).after
        if step is not None:
            ticket = apply(ticket, *step)

    assert flags(ticket) == (TicketStatus.AVAILABLE, True, False)


@pytest.fixture
async def ticket(tickets: Client) -> dict[str, Any]:
    """A ticket of the signed-in user."""
    tickets.sign_in()
    return (await tickets.post("/api/tickets", json={"title": "Front row", "price": 20})).json()


async def withdraw(tickets: Client, ticket: dict[str, Any]) -> httpx.Response:
    return await tickets.delete(f"/api/tickets/{ticket['id']}")


async def shown(tickets: Client, ticket: dict[str, Any]) -> tuple[str, bool, bool]:
    body = (await tickets.get(f"/api/tickets/{ticket['id']}")).json()
    return body["status"], body.get("withdrawn", False), body.get("withdrawing", False)


async def publish_order(
    published: EventProbe,
    ticket: dict[str, Any],
    order: type[OrderCreated | OrderCancelled | OrderCompleted],
    status: OrderStatus,
    *,
    version: int = 0,
) -> None:
    event = order(
        id=FIRST,
        version=version,
        status=status,
        user_id=new_id(),
        expires_at=NOW,
        ticket=OrderedTicket(id=ticket["id"], title=ticket["title"], price=2000, hold=1),
    )
    await published.publish(event, aggregate_id=event.id)
    await published.wait_until_handled("tickets-orders")


async def test_withdrawn_ticket_leaves_the_list_and_stays_readable(
    tickets: Client, ticket: dict[str, Any], published: EventProbe
) -> None:
    response = await withdraw(tickets, ticket)
    again = await withdraw(tickets, ticket)

    assert (response.status_code, response.content, again.status_code) == (204, b"", 204)
    assert (await tickets.get("/api/tickets")).json() == []
    assert (await tickets.get("/api/tickets?q=front")).json() == []
    assert [t["id"] for t in (await tickets.get("/api/tickets/mine")).json()] == [ticket["id"]]
    assert await shown(tickets, ticket) == ("available", True, False)
    await published.next(TicketUpdated)
    assert [event.withdrawn for event in await published.all(TicketUpdated)] == [True]


async def test_edit_of_a_withdrawn_ticket_is_400(tickets: Client, ticket: dict[str, Any]) -> None:
    await withdraw(tickets, ticket)

    response = await tickets.put(
        f"/api/tickets/{ticket['id']}", json={"title": "Front row", "price": 20}
    )

    assert response.status_code == 400
    assert errors(response) == [{"message": "Cannot edit a withdrawn ticket"}]


async def test_reserved_ticket_is_withdrawn_when_its_order_is_cancelled(
    tickets: Client, ticket: dict[str, Any], published: EventProbe
) -> None:
    await publish_order(published, ticket, OrderCreated, OrderStatus.CREATED)

    response = await withdraw(tickets, ticket)

    assert response.status_code == 202
    assert response.json()["withdrawing"] is True
    assert (await withdraw(tickets, ticket)).status_code == 202
    assert await shown(tickets, ticket) == ("reserved", False, True)
    await publish_order(published, ticket, OrderCancelled, OrderStatus.CANCELLED, version=1)
    assert await shown(tickets, ticket) == ("available", True, False)
    assert (await tickets.get("/api/tickets")).json() == []


async def test_reserved_ticket_is_sold_when_its_order_is_paid(
    tickets: Client, ticket: dict[str, Any], published: EventProbe
) -> None:
    await publish_order(published, ticket, OrderCreated, OrderStatus.CREATED)
    await withdraw(tickets, ticket)

    await publish_order(published, ticket, OrderCompleted, OrderStatus.COMPLETE, version=1)

    assert await shown(tickets, ticket) == ("sold", False, False)
    response = await withdraw(tickets, ticket)
    assert (response.status_code, errors(response)) == (
        400,
        [{"message": "Ticket is already sold"}],
    )


async def test_order_that_reaches_a_withdrawn_ticket_reserves_it(
    tickets: Client, ticket: dict[str, Any], published: EventProbe
) -> None:
    await withdraw(tickets, ticket)

    await publish_order(published, ticket, OrderCreated, OrderStatus.CREATED)

    assert await shown(tickets, ticket) == ("reserved", False, True)


async def test_withdrawal_is_for_the_seller_of_a_known_ticket(
    tickets: Client, ticket: dict[str, Any]
) -> None:
    unknown = await tickets.delete(f"/api/tickets/{new_id()}")
    tickets.sign_in()
    of_another = await withdraw(tickets, ticket)
    tickets.sign_out()
    without_session = await withdraw(tickets, ticket)

    statuses = [unknown.status_code, of_another.status_code, without_session.status_code]
    assert statuses == [404, 401, 401]
    assert await shown(tickets, ticket) == ("available", False, False)
