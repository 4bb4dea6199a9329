"""What the gateway lets in, and what everybody is told when something is wrong."""

import json
from typing import Any

import httpx
import pytest

from common.testing.plugin import errors, frames
from support.api_user import Person
from support.system import System

NOWHERE = "0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api", 404),
        ("GET", "/api/nothing", 404),
        ("GET", "/api/users/nothing", 404),
        ("GET", "/api/tickets/no-id", 404),
        ("GET", f"/api/tickets/{NOWHERE}", 404),
        ("GET", f"/api/orders/{NOWHERE}", 404),
        ("GET", "/api/orders/x/y", 404),
        ("GET", "/api/payments/nothing", 404),
        ("GET", "/api/expiration", 404),
        ("PATCH", "/api/tickets", 405),
        ("DELETE", "/api/payments", 405),
        ("GET", "/api/users/signin", 405),
        ("PUT", "/api/orders", 405),
    ],
)
async def test_what_does_not_exist_is_the_one_error_shape(
    buyer: Person, method: str, path: str, status: int
) -> None:
    answer = await buyer.send(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    errors(answer)


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
async def test_a_body_that_makes_no_sense_is_refused_with_words(
    buyer: Person, path: str, body: bytes
) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await buyer.http.post(path, content=body, headers=headers)
    assert answer.status_code == 400, answer.text
    errors(answer)


async def test_a_body_over_the_limit_is_refused_with_words(buyer: Person) -> None:
    answer = await buyer.send("POST", "/api/tickets", {"title": "x" * 70_000, "price": 5})
    assert answer.status_code == 413
    errors(answer)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_what_is_for_operators_is_not_routed(
    system: System, buyer: Person, path: str
) -> None:
    for prefix in ("", "/api", "/api/tickets", "/api/orders", "/api/payments", "/api/users"):
        answer = await buyer.send("GET", prefix + path)
        assert answer.status_code == 404
    for service in system.services:
        port = system.processes[service].program.port
        if port is not None:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as inside:
                assert (await inside.get(path)).status_code == 200


@pytest.mark.parametrize(
    "cookie", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.", "a" * 3000]
)
async def test_a_forged_session_is_nobodys(system: System, cookie: str) -> None:
    async with httpx.AsyncClient(base_url=system.address) as http:
        forged = {"Cookie": f"session={cookie}"}
        answer = await http.get("/api/users/currentuser", headers=forged)
        assert (answer.status_code, answer.json()) == (200, {"currentUser": None})
        for path in ("/api/orders", "/api/tickets/mine"):
            answer = await http.get(path, headers=forged)
            assert answer.status_code == 401
            errors(answer)


async def test_a_write_that_another_site_caused_is_refused(buyer: Person) -> None:
    ticket = {"title": "Front row", "price": 5}
    answer = await buyer.send(
        "POST", "/api/tickets", ticket, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403
    answer = await buyer.send(
        "POST", "/api/tickets", ticket, headers={"Origin": "https://evil.example"}
    )
    assert answer.status_code == 403
    assert await buyer.ask("GET", "/api/tickets/mine") == []


async def test_the_same_idempotency_key_gives_the_first_answer_again(buyer: Person) -> None:
    ticket, key = {"title": "Front row", "price": 5}, {"Idempotency-Key": "one click"}
    first = await buyer.ask("POST", "/api/tickets", ticket, expect=201, headers=key)
    again = await buyer.send("POST", "/api/tickets", ticket, headers=key)
    assert (again.status_code, again.json()) == (201, first)
    assert again.headers["idempotent-replayed"] == "true"
    other = await buyer.send("POST", "/api/tickets", {**ticket, "price": 6}, headers=key)
    assert other.status_code == 400
    (only,) = await buyer.ask("GET", "/api/tickets/mine")
    assert only["id"] == first["id"]


async def test_an_order_asked_for_twice_under_one_key_is_one_order(
    seller: Person, buyer: Person
) -> None:
    ticket = await seller.sell()
    key = {"Idempotency-Key": "order"}
    first = await buyer.ask(
        "POST", "/api/orders", {"ticketId": ticket["id"]}, expect=201, headers=key
    )
    again = await buyer.send("POST", "/api/orders", {"ticketId": ticket["id"]}, headers=key)
    assert (again.status_code, again.json()["id"]) == (201, first["id"])


async def test_screens_see_tickets_and_their_own_orders_change(
    system: System, seller: Person, buyer: Person
) -> None:
    async with (
        httpx.AsyncClient(base_url=system.address) as anyone,
        anyone.stream("GET", "/api/tickets/events") as tickets,
        buyer.http.stream("GET", "/api/orders/events") as orders,
        seller.http.stream("GET", "/api/orders/events") as others,
    ):
        assert tickets.headers["content-type"].startswith("text/event-stream")
        ticket = await seller.sell()
        order = await buyer.order(ticket)
        told = frames(tickets)
        assert await _next(told, ticket["id"]) == "available"
        assert await _next(told, ticket["id"]) == "reserved"
        mine = frames(orders)
        assert await _next(mine, order["id"]) == "created"
        await buyer.pay(order)
        assert await _next(mine, order["id"]) == "complete"
        assert await _next(told, ticket["id"]) == "sold"
        own = await seller.order(await buyer.sell())
        first = frames(others)
        assert await _next(first, own["id"]) == "created", "the buyer's order was shown to another"


async def _next(told: Any, thing_id: str) -> str:
    """Read on until this thing is shown; an order that is shown must be this one."""
    async for frame in told:
        shown = frame.get("event") in {"ticket", "order"}
        data: dict[str, Any] = json.loads(frame["data"]) if shown else {}
        if data.get("id") == thing_id:
            return data["status"]
        assert frame.get("event") != "order", data
    raise AssertionError("the stream ended")


async def test_a_service_that_is_away_is_a_503_in_the_one_shape(
    system: System, buyer: Person
) -> None:
    away = system.replicas_of("tickets")
    for name in away:
        system.processes[name].kill()
    try:
        answer = await buyer.send("GET", "/api/tickets")
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        errors(answer)
        assert await buyer.ask("GET", "/api/orders") == []
    finally:
        for name in away:
            system.processes[name].start()
        system.wait_ready(away)
    await buyer.sell()
