"""Requests through the gateway: routing, error responses, idempotency and event streams."""

import json
from typing import Any

import httpx
import pytest

from common.testing.client import errors
from common.testing.server import sse_events
from support.system import System
from ticketing_local.api_user import ApiUser

UNKNOWN_ID = "0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api", 404),
        ("GET", "/api/nothing", 404),
        ("GET", "/api/users/nothing", 404),
        ("GET", "/api/tickets/no-id", 404),
        ("GET", f"/api/tickets/{UNKNOWN_ID}", 404),
        ("GET", f"/api/orders/{UNKNOWN_ID}", 404),
        ("GET", "/api/orders/x/y", 404),
        ("GET", "/api/payments/nothing", 404),
        ("GET", "/api/expiration", 404),
        ("PATCH", "/api/tickets", 405),
        ("DELETE", "/api/payments", 405),
        ("GET", "/api/users/signin", 405),
        ("PUT", "/api/orders", 405),
    ],
)
async def test_unknown_resource_returns_the_error_schema(
    buyer: ApiUser, method: str, path: str, status: int
) -> None:
    response = await buyer.request(method, path)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    errors(response)


async def test_head_is_answered_where_get_is(seller: ApiUser, buyer: ApiUser) -> None:
    ticket = await seller.sell()
    order = await buyer.order(ticket)
    await buyer.pay(order)
    for path in (
        "/api/users/currentuser",
        "/api/users/sessions",
        "/api/tickets",
        "/api/tickets/mine",
        "/api/tickets/events",
        f"/api/tickets/{ticket['id']}",
        f"/api/tickets/{UNKNOWN_ID}",
        "/api/orders",
        "/api/orders/events",
        f"/api/orders/{order['id']}",
        f"/api/payments?orderId={order['id']}",
        "/api/payments/config",
        "/api/tickets/openapi.json",
    ):
        head = await buyer.request("HEAD", path)
        async with buyer.http.stream("GET", path) as got:
            assert (head.status_code, head.content) == (got.status_code, b""), path
            assert head.headers["content-type"] == got.headers["content-type"], path
    assert (await buyer.request("HEAD", "/api/users/signin")).status_code == 405


@pytest.mark.parametrize(
    "path", ["/api/users/signup", "/api/tickets", "/api/orders", "/api/payments"]
)
@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"null",
        b'{"price": NaN, "title": "x"}',
        b'{"ticketId": {"$gt": ""}, "orderId": {"$ne": 1}, "email": {"$gt": ""}, "token": 1}',
        b'{"title": "\\ud800", "price": 5, "email": "\\ud800@example.com", "password": "123456"}',
        b"\xff\xfe",
    ],
)
async def test_malformed_body_returns_400(buyer: ApiUser, path: str, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    response = await buyer.http.post(path, content=body, headers=headers)
    assert response.status_code == 400, response.text
    errors(response)


async def test_oversized_body_returns_413(buyer: ApiUser) -> None:
    response = await buyer.request("POST", "/api/tickets", {"title": "x" * 70_000, "price": 5})
    assert response.status_code == 413
    errors(response)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_operator_paths_are_not_routed(system: System, buyer: ApiUser, path: str) -> None:
    for prefix in ("", "/api", "/api/tickets", "/api/orders", "/api/payments", "/api/users"):
        response = await buyer.request("GET", prefix + path)
        assert response.status_code == 404
    for service in system.services:
        port = system.processes[service].program.port
        if port is not None:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as inside:
                assert (await inside.get(path)).status_code == 200


@pytest.mark.parametrize(
    "cookie", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.", "a" * 3000]
)
async def test_forged_session_is_anonymous(system: System, cookie: str) -> None:
    async with httpx.AsyncClient(base_url=system.address) as http:
        forged = {"Cookie": f"session={cookie}"}
        response = await http.get("/api/users/currentuser", headers=forged)
        assert (response.status_code, response.json()) == (200, {"currentUser": None})
        for path in ("/api/orders", "/api/tickets/mine"):
            response = await http.get(path, headers=forged)
            assert response.status_code == 401
            errors(response)


async def test_cross_site_write_is_rejected(buyer: ApiUser) -> None:
    ticket = {"title": "Front row", "price": 5}
    response = await buyer.request(
        "POST", "/api/tickets", ticket, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert response.status_code == 403
    response = await buyer.request(
        "POST", "/api/tickets", ticket, headers={"Origin": "https://evil.example"}
    )
    assert response.status_code == 403
    assert await buyer.request_ok("GET", "/api/tickets/mine") == []


async def test_same_idempotency_key_replays_the_response(buyer: ApiUser) -> None:
    ticket, key = {"title": "Front row", "price": 5}, {"Idempotency-Key": "key-1"}
    first = await buyer.request_ok("POST", "/api/tickets", ticket, expect=201, headers=key)
    again = await buyer.request("POST", "/api/tickets", ticket, headers=key)
    assert (again.status_code, again.json()) == (201, first)
    assert again.headers["idempotent-replayed"] == "true"
    other = await buyer.request("POST", "/api/tickets", {**ticket, "price": 6}, headers=key)
    assert other.status_code == 400
    (only,) = await buyer.request_ok("GET", "/api/tickets/mine")
    assert only["id"] == first["id"]


async def test_same_idempotency_key_places_one_order(seller: ApiUser, buyer: ApiUser) -> None:
    ticket = await seller.sell()
    key = {"Idempotency-Key": "order"}
    first = await buyer.request_ok(
        "POST", "/api/orders", {"ticketId": ticket["id"]}, expect=201, headers=key
    )
    again = await buyer.request("POST", "/api/orders", {"ticketId": ticket["id"]}, headers=key)
    assert (again.status_code, again.json()["id"]) == (201, first["id"])


async def test_event_streams_show_tickets_and_own_orders(
    system: System, seller: ApiUser, buyer: ApiUser
) -> None:
    async with (
        httpx.AsyncClient(base_url=system.address) as anonymous,
        anonymous.stream("GET", "/api/tickets/events") as tickets,
        buyer.http.stream("GET", "/api/orders/events") as orders,
        seller.http.stream("GET", "/api/orders/events") as seller_stream,
    ):
        assert tickets.headers["content-type"].startswith("text/event-stream")
        ticket = await seller.sell()
        order = await buyer.order(ticket)
        ticket_events = sse_events(tickets)
        assert await _next_status(ticket_events, ticket["id"]) == "available"
        assert await _next_status(ticket_events, ticket["id"]) == "reserved"
        order_events = sse_events(orders)
        assert await _next_status(order_events, order["id"]) == "created"
        await buyer.pay(order)
        assert await _next_status(order_events, order["id"]) == "complete"
        assert await _next_status(ticket_events, ticket["id"]) == "sold"
        own = await seller.order(await buyer.sell())
        first = sse_events(seller_stream)
        assert await _next_status(first, own["id"]) == "created", (
            "the buyer's order was sent to the seller"
        )


async def _next_status(events: Any, aggregate_id: str) -> str:
    """Return the next status of an aggregate. Fail on an event of another order."""
    async for frame in events:
        is_aggregate = frame.get("event") in {"ticket", "order"}
        data: dict[str, Any] = json.loads(frame["data"]) if is_aggregate else {}
        if data.get("id") == aggregate_id:
            return data["status"]
        assert frame.get("event") != "order", data
    raise AssertionError("the stream ended")


async def test_unavailable_service_returns_503(system: System, buyer: ApiUser) -> None:
    replicas = system.replicas_of("tickets")
    for name in replicas:
        system.processes[name].kill()
    try:
        response = await buyer.request("GET", "/api/tickets")
        assert response.status_code == 503
        assert response.headers["retry-after"] == "1"
        errors(response)
        assert await buyer.request_ok("GET", "/api/orders") == []
    finally:
        for name in replicas:
            system.processes[name].start()
        system.wait_ready(replicas)
    await buyer.sell()
