"""Public reads from memory: never older than 100 ms, never older than one's own write."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client import REGISTRY

from common.events import OrderCreated, OrderedTicket, OrderStatus
from common.testing.plugin import Client, Published, Serve, eventually, someone
from common.values.ids import new_id
from common.web.response_cache import FRESH_SECONDS
from tickets.app import create
from tickets.settings import Settings


def from_store() -> float:
    value = REGISTRY.get_sample_value("recent_reads_total", {"from": "store"})
    assert value is not None
    return value


async def sell(tickets: Client, **fields: Any) -> dict[str, Any]:
    response = await tickets.post("/api/tickets", json={"title": "x", "price": 10, **fields})
    return response.json()


async def test_readers_at_the_same_moment_cost_one_read(tickets: Client) -> None:
    tickets.as_user()
    await sell(tickets)
    tickets.as_nobody()
    before = from_store()

    answers = await asyncio.gather(*(tickets.get("/api/tickets") for _ in range(50)))

    assert len({answer.content for answer in answers}) == 1
    assert from_store() - before <= 2


async def test_the_writer_reads_the_own_write_back_at_once(tickets: Client) -> None:
    tickets.as_user()
    ticket = await sell(tickets)
    path = f"/api/tickets/{ticket['id']}"
    for price in range(11, 31):
        await tickets.get(path)
        await tickets.get("/api/tickets")

        await tickets.put(path, json={"title": "x", "price": price})

        assert (await tickets.get(path)).json()["price"] == price
        assert (await tickets.get("/api/tickets")).json()[0]["price"] == price


async def test_a_write_while_an_answer_is_computed_is_not_hidden_by_it(tickets: Client) -> None:
    tickets.as_user()
    for _ in range(20):
        reading = asyncio.create_task(tickets.get("/api/tickets"))
        ticket = await sell(tickets)
        await reading

        listed = (await tickets.get("/api/tickets")).json()

        assert ticket["id"] in {one["id"] for one in listed}


async def test_others_see_a_write_within_a_tenth_of_a_second(
    serve: Serve, environment: dict[str, Any]
) -> None:
    here, there = [await serve(create(Settings(**environment))) for _ in range(2)]
    here.as_user()
    ticket = await sell(here)
    path = f"/api/tickets/{ticket['id']}"
    loop = asyncio.get_running_loop()
    for price in (20, 30, 40):
        await there.get(path)
        await here.put(path, json={"title": "x", "price": price})
        written = loop.time()

        async def seen(price: int = price, written: float = written) -> bool:
            began = loop.time()
            new = (await there.get(path)).json()["price"] == price
            assert new or began - written <= FRESH_SECONDS
            return new

        await eventually(seen)


async def test_a_lock_is_shown_at_once_where_it_is_applied(
    tickets: Client, published: Published
) -> None:
    tickets.as_user()
    ticket = await sell(tickets)
    tickets.as_nobody()
    order = OrderCreated(
        id=new_id(),
        version=0,
        status=OrderStatus.CREATED,
        user_id=new_id(),
        expires_at=datetime(2030, 1, 1, tzinfo=UTC),
        ticket=OrderedTicket(id=ticket["id"], title="x", price=1000, hold=1),
    )
    await published.publish(order, aggregate_id=order.id)

    async def reserved() -> bool:
        shown = (await tickets.get(f"/api/tickets/{ticket['id']}")).json()
        return shown["status"] == "reserved"

    await eventually(reserved, 2)


@pytest.mark.parametrize("path", ["/api/tickets", "/api/tickets/{id}"])
async def test_a_reader_who_has_the_answer_gets_304(tickets: Client, path: str) -> None:
    tickets.as_user()
    ticket = await sell(tickets)
    path = path.format(id=ticket["id"])
    tag = (await tickets.get(path)).headers["etag"]

    again = await tickets.get(path, headers={"If-None-Match": tag})

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == tag


async def test_what_is_one_users_own_is_never_kept(tickets: Client) -> None:
    tickets.as_user()
    mine = await sell(tickets)
    first = (await tickets.get("/api/tickets/mine")).json()
    tickets.as_user(someone())

    second = (await tickets.get("/api/tickets/mine")).json()

    assert ([one["id"] for one in first], second) == ([mine["id"]], [])


async def test_an_answer_names_nobody_who_asked_for_it(tickets: Client) -> None:
    tickets.as_user()

    answer = await tickets.get("/api/tickets")

    assert "set-cookie" not in answer.headers


async def test_what_was_not_there_is_shown_as_soon_as_it_is(tickets: Client) -> None:
    tickets.as_user()
    assert (await tickets.get(f"/api/tickets/{new_id()}")).status_code == 404

    ticket = await sell(tickets)

    assert (await tickets.get(f"/api/tickets/{ticket['id']}")).status_code == 200
