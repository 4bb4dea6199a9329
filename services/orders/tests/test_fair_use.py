"""Tests of the limits that keep buyers from holding tickets, and of the price that a buyer saw."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest

from common.events import ExpirationCompleted, Listing, TicketCreated, TicketStatus, TicketUpdated
from common.testing.client import Client, errors
from common.testing.clock import FakeClock
from common.testing.events import EventProbe
from common.testing.plugin import Serve
from common.values.ids import new_id
from orders.app import create_app
from orders.settings import Settings

TOO_MANY = [{"message": "You have too many unpaid orders"}]
REPEATED = [{"message": "You have ordered this ticket repeatedly without paying"}]


@pytest.fixture
def clock() -> FakeClock:
    """The clock of the `buyer`'s service."""
    return FakeClock()


@pytest.fixture
async def buyer(serve: Serve, environment: dict[str, Any], clock: FakeClock) -> Client:
    """A signed-in buyer."""
    client = await serve(create_app(Settings(**environment), clock))
    client.clock = clock
    client.sign_in()
    return client


async def list_tickets(published: EventProbe, count: int) -> list[str]:
    """List tickets, and wait until orders has copies of them."""
    tickets = [
        TicketCreated(id=new_id(), version=0, title="Seat", price=1000, user_id=new_id())
        for _ in range(count)
    ]
    await asyncio.gather(*(published.publish(one, aggregate_id=one.id) for one in tickets))
    await published.wait_until_handled("orders-tickets")
    return [ticket.id for ticket in tickets]


async def order(buyer: Client, ticket_id: str, **fields: Any) -> httpx.Response:
    return await buyer.post("/api/orders", json={"ticketId": ticket_id, **fields})


async def cancel(buyer: Client, response: httpx.Response) -> None:
    assert response.status_code == 201, response.text
    assert (await buyer.delete(f"/api/orders/{response.json()['id']}")).status_code == 204


async def test_60_concurrent_orders_of_one_buyer_reserve_4_tickets(
    buyer: Client, published: EventProbe, clock: FakeClock
) -> None:
    tickets = await list_tickets(published, 60)

    responses = await asyncio.gather(*(order(buyer, ticket) for ticket in tickets))

    statuses = [response.status_code for response in responses]
    assert Counter(statuses) == {201: 4, 429: 56}
    clock.advance(minutes=5)
    refused = await order(buyer, tickets[statuses.index(429)])
    assert (refused.status_code, errors(refused)) == (429, TOO_MANY)
    assert refused.headers["retry-after"] == "600"


async def test_order_is_possible_again_after_one_was_cancelled_or_expired(
    buyer: Client, published: EventProbe, clock: FakeClock
) -> None:
    user = buyer.sign_in()
    tickets = await list_tickets(published, 7)
    placed = [await order(buyer, tickets[0])]
    clock.advance(minutes=1)  # so that it expires before the others
    placed += [await order(buyer, ticket) for ticket in tickets[1:4]]
    refused = await order(buyer, tickets[4])

    await cancel(buyer, placed[2])
    after_cancellation = await order(buyer, tickets[4])
    order_id = placed[0].json()["id"]
    clock.advance(minutes=14)
    buyer.sign_in(user)
    await published.publish(ExpirationCompleted(order_id=order_id), aggregate_id=order_id)
    await published.wait_until_handled("orders-expiration")
    after_expiry = await order(buyer, tickets[5])
    at_the_limit = await order(buyer, tickets[6])

    statuses = [after_cancellation.status_code, after_expiry.status_code, at_the_limit.status_code]
    assert (refused.status_code, errors(refused)) == (429, TOO_MANY)
    assert statuses == [201, 201, 429]


async def test_limit_is_configurable_and_counts_each_buyer(
    serve: Serve, environment: dict[str, Any], published: EventProbe
) -> None:
    client = await serve(create_app(Settings(**environment, order_limit=1)))
    tickets = await list_tickets(published, 3)

    client.sign_in()
    first, second = await order(client, tickets[0]), await order(client, tickets[1])
    client.sign_in()
    other = await order(client, tickets[2])

    assert (first.status_code, second.status_code, other.status_code) == (201, 429, 201)


async def test_retry_at_the_limit_returns_the_same_order(
    buyer: Client, published: EventProbe
) -> None:
    tickets = await list_tickets(published, 4)
    key = {"Idempotency-Key": "one click"}
    body = {"ticketId": tickets[0]}
    first = await buyer.post("/api/orders", json=body, headers=key)
    for ticket in tickets[1:]:
        assert (await order(buyer, ticket)).status_code == 201

    again = await buyer.post("/api/orders", json=body, headers=key)

    assert (again.status_code, again.json()) == (201, first.json())


async def test_refused_order_can_be_sent_again_with_its_key(
    buyer: Client, published: EventProbe
) -> None:
    tickets = await list_tickets(published, 5)
    placed = [await order(buyer, ticket) for ticket in tickets[:4]]
    key = {"Idempotency-Key": "one click"}
    refused = await buyer.post("/api/orders", json={"ticketId": tickets[4]}, headers=key)

    await cancel(buyer, placed[0])
    again = await buyer.post("/api/orders", json={"ticketId": tickets[4]}, headers=key)

    assert (refused.status_code, again.status_code) == (429, 201)


async def test_buyer_who_cancels_repeatedly_waits_1_then_5_then_15_minutes(
    buyer: Client, published: EventProbe, clock: FakeClock
) -> None:
    user = buyer.sign_in()
    (ticket,) = await list_tickets(published, 1)
    for _ in range(2):  # the first repeat is free
        await cancel(buyer, await order(buyer, ticket))

    for minutes in (1, 5, 15, 15):
        clock.advance(seconds=1)
        refused = await order(buyer, ticket)
        assert (refused.status_code, errors(refused)) == (429, REPEATED)
        assert refused.headers["retry-after"] == str(60 * minutes - 1)
        clock.advance(minutes=minutes, seconds=-1)
        buyer.sign_in(user)  # an access token is valid for 15 minutes
        await cancel(buyer, await order(buyer, ticket))

    clock.advance(hours=24)
    buyer.sign_in(user)
    assert (await order(buyer, ticket)).status_code == 201


async def test_other_buyers_and_other_tickets_do_not_wait(
    buyer: Client, published: EventProbe
) -> None:
    ticket, other_ticket = await list_tickets(published, 2)
    for _ in range(2):
        await cancel(buyer, await order(buyer, ticket))
    assert (await order(buyer, ticket)).status_code == 429

    assert (await order(buyer, other_ticket)).status_code == 201
    buyer.sign_in()
    assert (await order(buyer, ticket)).status_code == 201


async def test_wait_counts_orders_that_lie_before_those_of_other_buyers(
    buyer: Client, published: EventProbe
) -> None:
    (ticket,) = await list_tickets(published, 1)
    first = buyer.sign_in()
    for user in (first, None, first, None):
        buyer.sign_in(user)
        await cancel(buyer, await order(buyer, ticket))

    buyer.sign_in(first)
    refused = await order(buyer, ticket)

    assert (refused.status_code, errors(refused)) == (429, REPEATED)


@pytest.mark.parametrize("price", [10, 10.0, "10", "10.00", None])
async def test_order_at_the_shown_price_is_placed(
    buyer: Client, published: EventProbe, price: object
) -> None:
    (ticket,) = await list_tickets(published, 1)

    response = await order(buyer, ticket, price=price)

    assert (response.status_code, response.json()["ticket"]["price"]) == (201, 10)


async def test_order_at_another_price_is_409_and_reserves_nothing(
    buyer: Client, published: EventProbe
) -> None:
    (ticket,) = await list_tickets(published, 1)

    refused = await order(buyer, ticket, price="9.99")

    assert refused.status_code == 409
    assert errors(refused) == [{"message": "The price is now 10.00", "field": "price"}]
    assert (await buyer.get("/api/orders")).json() == []
    assert (await order(buyer, ticket, price=10)).status_code == 201


MALFORMED_PRICES = ("", "x", 0.49, 10.001, True, [10], "1e999999999")


async def test_malformed_price_is_rejected_with_its_field(
    buyer: Client, published: EventProbe
) -> None:
    (ticket,) = await list_tickets(published, 1)

    for price in MALFORMED_PRICES:
        response = await order(buyer, ticket, price=price)

        assert response.status_code == 400, price
        assert [error["field"] for error in errors(response)] == ["price"]


async def test_next_order_has_the_price_of_the_edit_that_came_late(
    buyer: Client, published: EventProbe
) -> None:
    (ticket,) = await list_tickets(published, 1)
    first = await order(buyer, ticket)
    reserved = TicketUpdated(
        id=ticket,
        version=2,
        title="Seat",
        price=1000,
        user_id=new_id(),
        status=TicketStatus.RESERVED,
        order_id=first.json()["id"],
        late_edit=Listing(title="Seat in the first row", price=9900),
    )
    await published.publish(reserved, aggregate_id=ticket)
    await published.wait_until_handled("orders-tickets")
    await cancel(buyer, first)

    second = await order(buyer, ticket)

    assert second.json()["ticket"] == {
        "id": ticket,
        "title": "Seat in the first row",
        "price": 99,
    }
