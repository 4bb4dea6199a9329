"""Tests of the order routes with every status they can return."""

import asyncio
import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from common.events import (
    CancelReason,
    ChargeStatus,
    OrderCancelled,
    OrderCreated,
    OrderStatus,
    PaymentCreated,
    TicketCreated,
)
from common.testing.client import API_HEADERS, Client, errors, make_user, session_cookie
from common.testing.events import EventProbe
from common.testing.plugin import Serve
from common.values.ids import new_id
from orders.app import create_app
from orders.settings import Settings


async def place_order(orders: Client, ticket: TicketCreated) -> dict[str, Any]:
    response = await orders.post("/api/orders", json={"ticketId": ticket.id})
    assert response.status_code == 201, response.text
    return response.json()


async def publish_payment(published: EventProbe, order_id: str) -> None:
    paid = PaymentCreated(
        id=new_id(), version=1, order_id=order_id, amount=1999, status=ChargeStatus.SUCCEEDED
    )
    await published.publish(paid, aggregate_id=paid.id)
    await published.wait_until_handled("orders-payments")


async def test_create_reserves_the_ticket_for_15_minutes(
    orders: Client, ticket: TicketCreated
) -> None:
    buyer = orders.sign_in()

    response = await orders.post("/api/orders", json={"ticketId": ticket.id})

    assert response.status_code == 201
    body = response.json()
    assert body["status"] == "created"
    assert body["userId"] == buyer.id
    assert body["ticket"] == {"id": ticket.id, "title": "Front row", "price": 19.99}
    window = datetime.fromisoformat(body["expiresAt"]) - datetime.fromisoformat(body["createdAt"])
    assert window == timedelta(minutes=15)


async def test_create_publishes_the_order(
    orders: Client, ticket: TicketCreated, published: EventProbe
) -> None:
    buyer = orders.sign_in()

    order = await place_order(orders, ticket)

    event = await published.next(OrderCreated)
    assert (event.id, event.user_id, event.status) == (order["id"], buyer.id, OrderStatus.CREATED)
    assert (event.ticket.id, event.ticket.price, event.ticket.hold) == (ticket.id, 1999, 1)


async def test_expiration_window_is_configurable(
    serve: Serve, environment: dict[str, Any], ticket: TicketCreated
) -> None:
    orders = await serve(create_app(Settings(**environment, order_expiration_seconds=10)))
    orders.sign_in()

    order = await place_order(orders, ticket)

    window = datetime.fromisoformat(order["expiresAt"]) - datetime.fromisoformat(order["createdAt"])
    assert window == timedelta(seconds=10)


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_orders_without_a_session_are_401(orders: Client, method: str) -> None:
    response = await orders.request(method, "/api/orders", content=b"{")

    assert response.status_code == 401
    assert errors(response) == [{"message": "Not authorized"}]


async def test_suspended_account_orders_nothing_and_keeps_its_orders(
    orders: Client, ticket: TicketCreated
) -> None:
    buyer = orders.sign_in()
    order = await place_order(orders, ticket)
    orders.sign_in(replace(buyer, is_suspended=True))

    refused = await orders.post("/api/orders", json={"ticketId": ticket.id})
    own = await orders.get("/api/orders")
    cancelled = await orders.delete(f"/api/orders/{order['id']}")

    assert (refused.status_code, own.status_code, cancelled.status_code) == (403, 200, 204)
    assert errors(refused)[0]["message"].startswith("Your account is suspended")
    assert [one["id"] for one in own.json()] == [order["id"]]


MALFORMED_ORDERS: tuple[dict[str, Any], ...] = (
    {},
    {"ticketId": None},
    {"ticketId": ""},
    {"ticketId": "x"},
    {"ticketId": "1" * 25},
    {"ticketId": {"$ne": None}},
    {"ticketId": 7},
    {"ticketId": "\ud800" * 24},
)


async def test_malformed_ticket_id_is_rejected_with_its_field(orders: Client) -> None:
    orders.sign_in()

    for body in MALFORMED_ORDERS:
        response = await orders.post(
            "/api/orders", content=_to_json(body), headers={"content-type": "application/json"}
        )

        assert response.status_code == 400, body
        assert [error["field"] for error in errors(response)] == ["ticketId"]


def _to_json(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()


async def test_order_of_an_unknown_ticket_is_404(orders: Client) -> None:
    orders.sign_in()

    response = await orders.post("/api/orders", json={"ticketId": new_id()})

    assert response.status_code == 404


async def test_order_of_a_reserved_ticket_is_rejected(
    orders: Client, ticket: TicketCreated
) -> None:
    orders.sign_in()
    await place_order(orders, ticket)
    orders.sign_in()

    response = await orders.post("/api/orders", json={"ticketId": ticket.id})

    assert response.status_code == 400
    assert errors(response) == [{"message": "Ticket is already reserved"}]


async def test_order_of_a_sold_ticket_is_rejected(
    orders: Client, ticket: TicketCreated, published: EventProbe
) -> None:
    orders.sign_in()
    order = await place_order(orders, ticket)
    await publish_payment(published, order["id"])

    response = await orders.post("/api/orders", json={"ticketId": ticket.id})

    assert response.status_code == 400


async def test_order_of_an_own_ticket_is_rejected(orders: Client, ticket: TicketCreated) -> None:
    seller = make_user()
    orders.cookies.set("session", session_cookie(type(seller)(ticket.user_id, "s@x.io", new_id())))

    response = await orders.post("/api/orders", json={"ticketId": ticket.id})

    assert response.status_code == 400
    assert errors(response) == [{"message": "You cannot order your own ticket"}]


async def test_200_concurrent_buyers_create_one_order(
    orders: Client, ticket: TicketCreated, published: EventProbe
) -> None:
    async def buy() -> int:
        cookie = {"cookie": f"session={session_cookie(make_user())}"}
        response = await orders.post("/api/orders", json={"ticketId": ticket.id}, headers=cookie)
        return response.status_code

    answers = await asyncio.gather(*(buy() for _ in range(200)))

    assert sorted(answers) == [201] + [400] * 199
    await published.next(OrderCreated)
    assert len(await published.all(OrderCreated)) == 1


async def test_100_requests_with_one_idempotency_key_create_one_order(
    orders: Client, ticket: TicketCreated
) -> None:
    orders.sign_in()
    headers = {"Idempotency-Key": "one click"}

    answers = await asyncio.gather(
        *(
            orders.post("/api/orders", json={"ticketId": ticket.id}, headers=headers)
            for _ in range(100)
        )
    )

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1


async def test_list_contains_own_orders_newest_first(orders: Client, ticket: TicketCreated) -> None:
    orders.sign_in()
    another = await place_order(orders, ticket)
    await orders.delete(f"/api/orders/{another['id']}")
    orders.sign_in()
    first = await place_order(orders, ticket)
    await orders.delete(f"/api/orders/{first['id']}")
    second = await place_order(orders, ticket)

    response = await orders.get("/api/orders")

    assert response.status_code == 200
    assert [order["id"] for order in response.json()] == [second["id"], first["id"]]
    assert [order["status"] for order in response.json()] == ["created", "cancelled"]


async def test_list_is_paginated(
    orders: Client, ticket: TicketCreated, published: EventProbe
) -> None:
    orders.sign_in()
    others = [ticket.model_copy(update={"id": new_id()}) for _ in range(2)]
    for other in others:
        await published.publish(other, aggregate_id=other.id)
    await published.wait_until_handled("orders-tickets")
    placed = [(await place_order(orders, one))["id"] for one in (ticket, *others)][::-1]

    first = await orders.get("/api/orders?limit=2")
    link = first.headers["link"]
    second = await orders.get(link[1 : link.index(">")])

    assert [order["id"] for order in [*first.json(), *second.json()]] == placed
    assert "link" not in second.headers


@pytest.mark.parametrize("query", ["limit=0", "cursor=x", "cursor=WyJ4Il0"])
async def test_malformed_query_is_rejected(orders: Client, query: str) -> None:
    orders.sign_in()

    response = await orders.get(f"/api/orders?{query}")

    assert response.status_code == 400
    assert errors(response)[0]["field"] == query.partition("=")[0]


async def test_order_is_returned_to_its_buyer(orders: Client, ticket: TicketCreated) -> None:
    orders.sign_in()
    order = await place_order(orders, ticket)

    response = await orders.get(f"/api/orders/{order['id']}")
    known = await orders.get(
        f"/api/orders/{order['id']}", headers={"If-None-Match": response.headers["etag"]}
    )

    assert (response.status_code, response.json()) == (200, order)
    assert known.status_code == 304


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_order_of_another_buyer_is_401(
    orders: Client, ticket: TicketCreated, method: str
) -> None:
    orders.sign_in()
    path = f"/api/orders/{(await place_order(orders, ticket))['id']}"

    orders.sign_in()
    other_user = await orders.request(method, path)
    orders.sign_out()
    anonymous = await orders.request(method, path)

    assert (other_user.status_code, anonymous.status_code) == (401, 401)


METHODS_OF_AN_ORDER = ("GET", "DELETE")
UNKNOWN_ORDERS = ("f" * 24, "x", "%24ne")


async def test_unknown_order_is_404(orders: Client) -> None:
    orders.sign_in()

    for method in METHODS_OF_AN_ORDER:
        for order_id in UNKNOWN_ORDERS:
            response = await orders.request(method, f"/api/orders/{order_id}")

            assert response.status_code == 404, (method, order_id)


async def test_cancel_frees_the_ticket_and_publishes_the_order(
    orders: Client, ticket: TicketCreated, published: EventProbe
) -> None:
    orders.sign_in()
    order = await place_order(orders, ticket)

    response = await orders.delete(f"/api/orders/{order['id']}")

    assert (response.status_code, response.content) == (204, b"")
    event = await published.next(OrderCancelled)
    assert (event.id, event.reason, event.version) == (order["id"], CancelReason.BUYER, 1)
    shown = (await orders.get(f"/api/orders/{order['id']}")).json()
    assert (shown["status"], shown["reason"]) == ("cancelled", "buyer")
    orders.sign_in()
    again = await place_order(orders, ticket)
    assert (await published.next(OrderCreated, 2)).ticket.hold == 2
    assert again["id"] != order["id"]


async def test_repeated_cancel_is_204_and_publishes_once(
    orders: Client, ticket: TicketCreated, published: EventProbe
) -> None:
    orders.sign_in()
    order = await place_order(orders, ticket)

    answers = await asyncio.gather(
        *(orders.delete(f"/api/orders/{order['id']}") for _ in range(10))
    )

    assert {answer.status_code for answer in answers} == {204}
    await published.next(OrderCancelled)
    assert len(await published.all(OrderCancelled)) == 1


async def test_cancel_of_a_complete_order_is_rejected(
    orders: Client, ticket: TicketCreated, published: EventProbe
) -> None:
    orders.sign_in()
    order = await place_order(orders, ticket)
    await publish_payment(published, order["id"])

    response = await orders.delete(f"/api/orders/{order['id']}")

    assert response.status_code == 400
    assert errors(response) == [{"message": "Order is already complete"}]


async def test_responses_have_the_security_headers_and_are_private(
    orders: Client, ticket: TicketCreated
) -> None:
    anonymous = await orders.get("/api/orders")
    orders.sign_in()
    created = await orders.post("/api/orders", json={"ticketId": ticket.id})
    path = f"/api/orders/{created.json()['id']}"
    known = {"if-none-match": created.headers["etag"]}
    responses = [
        anonymous,
        created,
        await orders.get("/api/orders"),
        await orders.get(path),
        await orders.get(path, headers=known),
        await orders.get(f"/api/orders/{new_id()}"),
        await orders.delete(path),
    ]

    assert [response.status_code for response in responses] == [401, 201, 200, 200, 304, 404, 204]
    for response in responses:
        assert (
            response.headers.items()
            >= {"cache-control": "private, no-cache", **API_HEADERS}.items()
        )
