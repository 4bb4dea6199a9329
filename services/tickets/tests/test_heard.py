"""Locks in passing: shown before they are stored, and only as the stored ticket will be."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from common.events import OrderCreated, OrderedTicket, OrderStatus, TicketStatus
from common.ids import new_id
from common.testing import Client, Published, eventually, someone
from tickets.domain import Fence, Ticket, listed
from tickets.heard import Heard

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
ORDER, OTHER = "1" * 24, "2" * 24
FROM_STORE = ("recent_reads_total", {"from": "store"})
STEPS = [
    (f"{hold}" * 24, status, Fence(hold, version))
    for hold in (1, 2, 3)
    for version, status in enumerate((OrderStatus.CREATED, OrderStatus.CANCELLED))
]


def a_ticket(ticket_id: str = "7" * 24) -> Ticket:
    return listed(ticket_id=ticket_id, title="Front row", price=1999, by="5" * 24, now=NOW).after


def test_a_ticket_nothing_was_heard_of_is_seen_as_it_is_stored() -> None:
    heard = Heard()
    heard.lock("8" * 24, order_id=ORDER, fence=Fence(1, 0))

    assert heard.seen(a_ticket()) == a_ticket()


def test_a_lock_is_seen_before_it_is_stored() -> None:
    heard = Heard()
    heard.lock(a_ticket().id, order_id=ORDER, fence=Fence(1, 0))

    assert (
        heard.seen(a_ticket()) == a_ticket().follow(ORDER, OrderStatus.CREATED, Fence(1, 0)).after
    )


def test_a_late_lock_does_not_take_the_place_of_a_newer_one() -> None:
    heard = Heard()
    heard.lock(a_ticket().id, order_id=OTHER, fence=Fence(2, 0))
    heard.lock(a_ticket().id, order_id=ORDER, fence=Fence(1, 0))

    assert heard.seen(a_ticket()).order_id == OTHER


@given(
    told=st.lists(st.sampled_from([step for step in STEPS if step[1] is OrderStatus.CREATED])),
    stored=st.integers(0, len(STEPS)),
)
def test_what_is_seen_is_what_is_stored_or_what_a_newer_lock_will_make_of_it(
    told: list[tuple[str, OrderStatus, Fence]], stored: int
) -> None:
    heard, ticket = Heard(), a_ticket()
    for order_id, status, fence in STEPS[:stored]:
        ticket = ticket.follow(order_id, status, fence).after
    for order_id, _, fence in told:
        heard.lock(ticket.id, order_id=order_id, fence=fence)

    seen = heard.seen(ticket)

    newest = max((fence for _, _, fence in told), default=ticket.fence)
    if newest <= ticket.fence:
        assert seen == ticket
    else:
        assert (seen.status, seen.fence) == (TicketStatus.RESERVED, newest)
        assert seen.version == ticket.version + 1


def test_only_the_newest_locks_are_remembered() -> None:
    heard = Heard(most=2)
    tickets = [a_ticket(str(n) * 24) for n in range(4)]
    for ticket in (*tickets[:3], tickets[1], tickets[3]):
        heard.lock(ticket.id, order_id=ORDER, fence=Fence(1, 0))

    locked = [heard.seen(ticket).status is TicketStatus.RESERVED for ticket in tickets]

    assert locked == [False, True, False, True]


@pytest.fixture
async def passed(tickets: Client, published: Published) -> dict[str, Any]:
    """A ticket whose order has passed NATS, and is stored nowhere: the stream is gone."""
    tickets.as_user(someone())
    ticket = (await tickets.post("/api/tickets", json={"title": "Front row", "price": 20})).json()
    path = f"/api/tickets/{ticket['id']}"
    assert (await tickets.get(path)).json()["status"] == "available"
    order = OrderCreated(
        id=new_id(),
        version=0,
        status=OrderStatus.CREATED,
        user_id=new_id(),
        expires_at=NOW,
        ticket=OrderedTicket(id=ticket["id"], title="Front row", price=2000, hold=1),
    )
    await published.bus.js.delete_stream(published.bus.stream("orders"))
    subject = published.bus.subject(order.subject)
    await published.bus.client.publish(subject, order.model_dump_json().encode())

    async def shown() -> dict[str, Any]:
        seen = (await tickets.get(path)).json()
        return seen if seen["status"] == "reserved" else {}

    seen = await eventually(shown)
    assert (seen["orderId"], seen["version"]) == (order.id, 1)
    return ticket


async def test_a_lock_in_passing_stays_on_screen_until_it_is_stored(
    tickets: Client, passed: dict[str, Any]
) -> None:
    before = REGISTRY.get_sample_value(*FROM_STORE) or 0

    async def read_anew() -> bool:
        shown = (await tickets.get(f"/api/tickets/{passed['id']}")).json()
        assert (shown["status"], shown["version"]) == ("reserved", 1)
        return (REGISTRY.get_sample_value(*FROM_STORE) or 0) >= before + 2

    await eventually(read_anew)


async def test_a_lock_in_passing_is_off_the_list_of_what_is_for_sale(
    tickets: Client, passed: dict[str, Any]
) -> None:
    assert (await tickets.get("/api/tickets")).json() == []
    mine = (await tickets.get("/api/tickets/mine")).json()
    assert [(ticket["id"], ticket["status"]) for ticket in mine] == [(passed["id"], "reserved")]


async def test_a_lock_in_passing_keeps_its_seller_from_editing(
    tickets: Client, passed: dict[str, Any]
) -> None:
    path = f"/api/tickets/{passed['id']}"

    refused = await tickets.put(path, json={"title": "Back row", "price": 5})

    assert (refused.status_code, refused.json()["errors"][0]["message"]) == (
        400,
        "Cannot edit a reserved ticket",
    )
