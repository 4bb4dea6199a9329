"""Tests of cached public reads: at most 100 ms old, and never older than an own write."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client import REGISTRY

from common.events import OrderCreated, OrderedTicket, OrderStatus
from common.testing.client import Client, make_user
from common.testing.events import EventProbe
from common.testing.plugin import Serve
from common.testing.polling import eventually
from common.values.ids import new_id
from common.web.response_cache import TTL_SECONDS
from tickets.app import create_app
from tickets.settings import Settings


def database_reads() -> float:
    value = REGISTRY.get_sample_value("response_cache_requests_total", {"result": "miss"})
    assert value is not None
    return value


async def create_ticket(tickets: Client, **fields: Any) -> dict[str, Any]:
    response = await tickets.post("/api/tickets", json={"title": "x", "price": 10, **fields})
    return response.json()


async def test_concurrent_readers_share_one_database_read(tickets: Client) -> None:
    tickets.sign_in()
    await create_ticket(tickets)
    tickets.sign_out()
    before = database_reads()

    responses = await asyncio.gather(*(tickets.get("/api/tickets") for _ in range(50)))

    assert len({response.content for response in responses}) == 1
    assert database_reads() - before <= 2


async def test_writer_reads_its_own_write_immediately(tickets: Client) -> None:
    tickets.sign_in()
    ticket = await create_ticket(tickets)
    path = f"/api/tickets/{ticket['id']}"
    for price in range(11, 31):
        await tickets.get(path)
        await tickets.get("/api/tickets")

        await tickets.put(path, json={"title": "x", "price": price})

        assert (await tickets.get(path)).json()["price"] == price
        assert (await tickets.get("/api/tickets")).json()[0]["price"] == price


async def test_write_during_a_read_is_not_hidden_by_its_response(tickets: Client) -> None:
    tickets.sign_in()
    for _ in range(20):
        reading = asyncio.create_task(tickets.get("/api/tickets"))
        ticket = await create_ticket(tickets)
        await reading

        listed = (await tickets.get("/api/tickets")).json()

        assert ticket["id"] in {one["id"] for one in listed}


async def test_other_replica_shows_a_write_within_100_ms(
    serve: Serve, environment: dict[str, Any]
) -> None:
    here, there = [await serve(create_app(Settings(**environment))) for _ in range(2)]
    here.sign_in()
    ticket = await create_ticket(here)
    path = f"/api/tickets/{ticket['id']}"
    loop = asyncio.get_running_loop()
    for price in (20, 30, 40):
        await there.get(path)
        await here.put(path, json={"title": "x", "price": price})
        written = loop.time()

        async def is_shown(price: int = price, written: float = written) -> bool:
            began = loop.time()
            new = (await there.get(path)).json()["price"] == price
            assert new or began - written <= TTL_SECONDS
            return new

        await eventually(is_shown)


async def test_reservation_is_shown_once_it_is_applied(
    tickets: Client, published: EventProbe
) -> None:
    tickets.sign_in()
    ticket = await create_ticket(tickets)
    tickets.sign_out()
    order = OrderCreated(
        id=new_id(),
        version=0,
        status=OrderStatus.CREATED,
        user_id=new_id(),
        expires_at=datetime(2030, 1, 1, tzinfo=UTC),
        ticket=OrderedTicket(id=ticket["id"], title="x", price=1000, hold=1),
    )
    await published.publish(order, aggregate_id=order.id)

    async def is_reserved() -> bool:
        shown = (await tickets.get(f"/api/tickets/{ticket['id']}")).json()
        return shown["status"] == "reserved"

    await eventually(is_reserved)


@pytest.mark.parametrize("path", ["/api/tickets", "/api/tickets/{id}"])
async def test_unmodified_cached_response_is_304(tickets: Client, path: str) -> None:
    tickets.sign_in()
    ticket = await create_ticket(tickets)
    path = path.format(id=ticket["id"])
    tag = (await tickets.get(path)).headers["etag"]

    again = await tickets.get(path, headers={"If-None-Match": tag})

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == tag


async def test_responses_of_one_user_are_not_cached(tickets: Client) -> None:
    tickets.sign_in()
    mine = await create_ticket(tickets)
    first = (await tickets.get("/api/tickets/mine")).json()
    tickets.sign_in(make_user())

    second = (await tickets.get("/api/tickets/mine")).json()

    assert ([one["id"] for one in first], second) == ([mine["id"]], [])


async def test_cached_response_sets_no_cookie(tickets: Client) -> None:
    tickets.sign_in()

    response = await tickets.get("/api/tickets")

    assert "set-cookie" not in response.headers


async def test_ticket_created_after_a_404_is_shown(tickets: Client) -> None:
    tickets.sign_in()
    assert (await tickets.get(f"/api/tickets/{new_id()}")).status_code == 404

    ticket = await create_ticket(tickets)

    assert (await tickets.get(f"/api/tickets/{ticket['id']}")).status_code == 200


async def test_unknown_parameters_and_spellings_share_a_response(tickets: Client) -> None:
    tickets.sign_in()
    for _ in range(2):
        await create_ticket(tickets, title="Front row")
    tickets.sign_out()
    before = database_reads()

    responses = await asyncio.gather(
        *(
            tickets.get(f"/api/tickets?{query}")
            for query in (
                "q=front+row&limit=1&x=1",
                "limit=1&q=FRONT++Row!",
                "q=Front%20r%C3%B6w&utm_source=y&limit=1",
            )
        )
    )

    assert database_reads() - before == 1
    assert len({response.content for response in responses}) == 1
    links = {response.headers["link"] for response in responses}
    assert len(links) == 1
    assert "q=front+row&limit=1&cursor=" in links.pop()


async def test_parameters_of_a_single_ticket_are_ignored(tickets: Client) -> None:
    tickets.sign_in()
    ticket = await create_ticket(tickets)
    path = f"/api/tickets/{ticket['id']}"
    before = database_reads()

    await asyncio.gather(*(tickets.get(f"{path}?q={n}") for n in range(5)))

    assert database_reads() - before <= 2
