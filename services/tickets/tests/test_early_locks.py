"""Locks in passing: shown before they are stored, and only those that will be."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from common.events import OrderCreated, OrderedTicket, OrderStatus, TicketStatus
from common.testing.plugin import Client, Published, eventually, someone
from common.values.ids import new_id
from tickets.domain import Fence, Ticket, listed
from tickets.early_locks import Heard, Seen, Told

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
FROM_STORE = ("recent_reads_total", {"from": "store"})
STEPS = [
    Told(f"{hold}" * 24, status, Fence(hold, version))
    for hold in (1, 2, 3)
    for version, status in enumerate((OrderStatus.CREATED, OrderStatus.CANCELLED))
]
PLACED, CANCELLED = STEPS[:2]


def a_ticket(ticket_id: str = "7" * 24) -> Ticket:
    return listed(ticket_id=ticket_id, title="Front row", price=1999, by="5" * 24, now=NOW).after


def after(ticket: Ticket, *steps: Told) -> Ticket:
    for step in steps:
        ticket = ticket.follow(step.order_id, step.status, step.fence).after
    return ticket


def test_a_ticket_nothing_was_heard_of_is_seen_as_it_is_stored() -> None:
    heard = Heard()
    heard.order("8" * 24, PLACED)

    assert heard.seen(a_ticket()) == Seen(a_ticket())


def test_a_lock_is_seen_before_it_is_stored() -> None:
    heard = Heard()
    heard.order(a_ticket().id, PLACED)

    seen = heard.seen(a_ticket()).ticket

    assert (seen.status, seen.order_id) == (TicketStatus.RESERVED, PLACED.order_id)


def test_a_lock_that_is_not_stored_yet_has_the_stored_version_under_a_tag_of_its_own() -> None:
    heard = Heard()
    heard.order(a_ticket().id, PLACED)

    seen = heard.seen(a_ticket())

    assert (seen.ticket.version, seen.tag) == (0, '"0+1.0"')
    assert heard.seen(after(a_ticket(), PLACED)).tag == '"1"'


def test_a_late_lock_does_not_take_the_place_of_a_newer_one() -> None:
    heard = Heard()
    heard.order(a_ticket().id, STEPS[2])
    heard.order(a_ticket().id, PLACED)

    assert heard.seen(a_ticket()).ticket.order_id == STEPS[2].order_id


def test_an_order_that_was_given_up_locks_nothing() -> None:
    heard = Heard()
    heard.order(a_ticket().id, PLACED)
    heard.order(a_ticket().id, CANCELLED)

    assert heard.seen(a_ticket()) == Seen(a_ticket())


@given(told=st.lists(st.sampled_from(STEPS)), followed=st.lists(st.sampled_from(STEPS)))
def test_only_a_living_order_newer_than_what_is_stored_changes_what_is_seen(
    told: list[Told], followed: list[Told]
) -> None:
    heard, ticket = Heard(), after(a_ticket(), *followed)
    for step in told:
        heard.order(ticket.id, step)

    seen = heard.seen(ticket)

    newest = max(told, key=lambda step: step.fence, default=None)
    if newest and newest.status is OrderStatus.CREATED and newest.fence > ticket.fence:
        assert (seen.ticket.status, seen.ticket.order_id) == ("reserved", newest.order_id)
        assert seen.tag not in {f'"{version}"' for version in range(20)}
    else:
        assert seen == Seen(ticket)


def test_only_the_newest_orders_are_remembered() -> None:
    heard = Heard(most=2)
    tickets = [a_ticket(str(n) * 24) for n in range(4)]
    for ticket in (*tickets[:3], tickets[1], tickets[3]):
        heard.order(ticket.id, PLACED)

    locked = [heard.seen(ticket).lock is not None for ticket in tickets]

    assert locked == [False, True, False, True]


async def listed_by(tickets: Client, title: str = "Front row") -> dict[str, Any]:
    return (await tickets.post("/api/tickets", json={"title": title, "price": 20})).json()


def placed_on(ticket: dict[str, Any]) -> OrderCreated:
    return OrderCreated(
        id=new_id(),
        version=0,
        status=OrderStatus.CREATED,
        user_id=new_id(),
        expires_at=NOW,
        ticket=OrderedTicket(id=ticket["id"], title=ticket["title"], price=2000, hold=1),
    )


async def pass_by(published: Published, order: OrderCreated) -> None:
    subject = published.bus.connection.subject(order.subject)
    await published.bus.connection.client.publish(subject, order.model_dump_json().encode())


async def shown_reserved(tickets: Client, ticket: dict[str, Any]) -> httpx.Response:
    async def reserved() -> httpx.Response | None:
        shown = await tickets.get(f"/api/tickets/{ticket['id']}")
        return shown if shown.json()["status"] == "reserved" else None

    shown = await eventually(reserved)
    assert shown is not None
    return shown


async def locked_in_passing(tickets: Client, published: Published) -> dict[str, Any]:
    ticket = await listed_by(tickets)
    await pass_by(published, placed_on(ticket))
    await shown_reserved(tickets, ticket)
    return ticket


def from_store() -> float:
    return REGISTRY.get_sample_value("recent_reads_total", {"from": "store"}) or 0


@pytest.fixture
async def unstored(tickets: Client, published: Published) -> Client:
    """The service, to which orders can pass but never come: their stream is gone."""
    tickets.as_user(someone())
    await published.bus.connection.js.delete_stream(published.bus.connection.stream("orders"))
    return tickets


async def test_a_lock_in_passing_stays_on_screen(unstored: Client, published: Published) -> None:
    ticket = await listed_by(unstored)
    order = placed_on(ticket)
    await pass_by(published, order)
    shown = await shown_reserved(unstored, ticket)
    assert (shown.json()["orderId"], shown.headers["etag"]) == (order.id, '"0+1.0"')
    before = from_store()

    async def read_anew() -> bool:
        assert (await shown_reserved(unstored, ticket)).content == shown.content
        return from_store() >= before + 2

    await eventually(read_anew)


async def test_a_lock_in_passing_is_shown_without_a_read_where_somebody_looks(
    unstored: Client, published: Published
) -> None:
    async def reads_until_shown() -> float:
        ticket = await listed_by(unstored)
        unstored.as_nobody()
        await unstored.get(f"/api/tickets/{ticket['id']}")
        before = from_store()
        await pass_by(published, placed_on(ticket))
        await shown_reserved(unstored, ticket)
        unstored.as_user(someone())
        return from_store() - before

    reads = [await reads_until_shown() for _ in range(10)]

    assert 0 in reads  # not every time: a slow machine may take a tenth of a second


async def test_a_lock_in_passing_is_off_the_list_of_what_is_for_sale(
    unstored: Client, published: Published
) -> None:
    ticket = await locked_in_passing(unstored, published)

    assert (await unstored.get("/api/tickets")).json() == []
    mine = (await unstored.get("/api/tickets/mine")).json()
    assert [(one["id"], one["status"]) for one in mine] == [(ticket["id"], "reserved")]


async def test_a_page_of_nothing_but_locks_in_passing_gives_way_to_the_next(
    unstored: Client, published: Published
) -> None:
    last = await listed_by(unstored, "Last")
    for _ in range(3):
        await locked_in_passing(unstored, published)

    page = await unstored.get("/api/tickets", params={"limit": 2})

    assert [one["id"] for one in page.json()] == [last["id"]]
    assert "link" not in page.headers


async def test_a_lock_in_passing_keeps_its_seller_from_editing(
    unstored: Client, published: Published
) -> None:
    ticket = await locked_in_passing(unstored, published)

    edit = {"title": "Back row", "price": 5}
    refused = await unstored.put(f"/api/tickets/{ticket['id']}", json=edit)

    assert (refused.status_code, refused.json()["errors"][0]["message"]) == (
        400,
        "Cannot edit a reserved ticket",
    )


async def test_a_lock_in_passing_is_shown_as_stored_once_it_is(
    tickets: Client, published: Published
) -> None:
    tickets.as_user(someone())
    ticket = await listed_by(tickets)
    order = placed_on(ticket)
    await published.publish(order, aggregate_id=order.id)
    await published.handled("tickets-orders")

    shown = await shown_reserved(tickets, ticket)

    assert (shown.json()["version"], shown.headers["etag"]) == (1, '"1"')
