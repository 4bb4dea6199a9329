"""Tests of orders on tickets that are withdrawn, or whose show starts or is cancelled."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from common.errors import BadRequest, Conflict
from common.events import (
    CancelReason,
    ChargeStatus,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderStatus,
    OrderUpdated,
    Outcome,
    PaymentCreated,
    TicketCreated,
    TicketUpdated,
)
from common.shows import OrderedShow, Seat, ShowCategory, ShowFacts, Venue
from common.testing.client import Client, errors
from common.testing.clock import FakeClock
from common.testing.events import EventProbe
from common.testing.plugin import Serve
from common.values.ids import new_id
from orders.app import create_app
from orders.domain.order import SHOW_CANCELLED, Order, place_order
from orders.domain.ticket import NOTHING_SEEN, ListedTicket, SeenTicket
from orders.settings import Settings

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
FACTS = ShowFacts(
    id=new_id(),
    version=0,
    name="Nina Simone",
    starts_at=NOW + timedelta(days=1),
    ends_at=NOW + timedelta(days=1, hours=3),
    time_zone="Europe/Berlin",
    venue=Venue(name="Tempodrom", city="Berlin", country="DE"),
    category=ShowCategory.CONCERT,
)
CANCELLED = {**FACTS.model_dump(), "cancelledAt": NOW}
SHOW = OrderedShow.model_validate(FACTS.model_dump())
SEAT = Seat(row="12", seat="7")
TICKET = ListedTicket(
    "7" * 24, 3, "Front row", 1999, "5" * 24, show=SHOW, show_version=4, seat=SEAT
)
BARE_TICKET = replace(TICKET, show=None, show_version=None, seat=None)
NOW_SHOWN = "The show is now Nina Simone, 2030-01-02 12:00 UTC, Tempodrom, Berlin"


def place(ticket: ListedTicket, now: datetime = NOW, seen: SeenTicket = NOTHING_SEEN) -> Order:
    return place_order(
        order_id="1" * 24,
        ticket=ticket,
        latest_order=None,
        buyer_id="b" * 24,
        seen=seen,
        slot=0,
        now=now,
        window=timedelta(minutes=15),
    ).after


def test_order_pins_what_its_buyer_saw() -> None:
    pinned = place(TICKET).ticket

    assert (pinned.show, pinned.seat, pinned.seller_id) == (SHOW, SEAT, TICKET.seller_id)
    assert pinned.version == TICKET.version


@pytest.mark.parametrize(
    ("ticket", "now", "message"),
    [
        (replace(TICKET, withdrawn=True), NOW, "Ticket was withdrawn by its seller"),
        (replace(TICKET, show_cancelled=True), NOW, "The show is cancelled"),
        (TICKET, SHOW.starts_at, "The show has started"),
        (TICKET, SHOW.ends_at, "The show has started"),
    ],
)
def test_ticket_that_is_not_on_sale_cannot_be_ordered(
    ticket: ListedTicket, now: datetime, message: str
) -> None:
    with pytest.raises(BadRequest, match=message):
        place(ticket, now)


def test_ticket_is_on_sale_until_its_show_starts() -> None:
    order = place(TICKET, SHOW.starts_at - timedelta(microseconds=1))

    assert order.status is OrderStatus.CREATED


@pytest.mark.parametrize(
    ("ticket", "seen", "field", "message"),
    [
        (TICKET, SeenTicket(show_id="0" * 24), "showId", NOW_SHOWN),
        (TICKET, SeenTicket(show_id=None), "showId", NOW_SHOWN),
        (BARE_TICKET, SeenTicket(show_id=SHOW.id), "showId", "The ticket has no show now"),
        (TICKET, SeenTicket(show_version=3), "showVersion", NOW_SHOWN),
        (TICKET, SeenTicket(show_version=5), "showVersion", NOW_SHOWN),
        (BARE_TICKET, SeenTicket(show_version=0), "showVersion", "The ticket has no show now"),
        (TICKET, SeenTicket(seat=Seat(row="12")), "seat", "The seat is now row 12, seat 7"),
        (TICKET, SeenTicket(seat=None), "seat", "The seat is now row 12, seat 7"),
        (BARE_TICKET, SeenTicket(seat=SEAT), "seat", "The ticket has no seat now"),
    ],
)
def test_ticket_that_its_buyer_saw_differently_is_refused(
    ticket: ListedTicket, seen: SeenTicket, field: str, message: str
) -> None:
    with pytest.raises(Conflict) as refused:
        place(ticket, seen=seen)

    (detail,) = refused.value.details
    assert (detail.field, detail.message) == (field, message)


@pytest.mark.parametrize(
    ("ticket", "seen"),
    [
        (TICKET, NOTHING_SEEN),
        (TICKET, SeenTicket(1999, SHOW.id, 4, SEAT)),
        (BARE_TICKET, SeenTicket(1999, None, None, None)),
        (replace(TICKET, show_version=None), SeenTicket(show_version=3)),
    ],
    ids=["nothing", "everything", "no show and seat", "a copy of an earlier version"],
)
def test_ticket_that_is_as_its_buyer_saw_it_is_ordered(
    ticket: ListedTicket, seen: SeenTicket
) -> None:
    assert place(ticket, seen=seen).status is OrderStatus.CREATED


@pytest.mark.parametrize("status", [OrderStatus.CREATED, OrderStatus.AWAITING_PAYMENT])
def test_cancelled_show_cancels_an_unpaid_order(status: OrderStatus) -> None:
    change = replace(place(TICKET), status=status).end_for_cancelled_show()

    (event,) = change.events
    assert isinstance(event, OrderCancelled)
    assert (event.reason, event.detail, event.outcome) == (
        CancelReason.EXPIRED,
        SHOW_CANCELLED,
        None,
    )


def test_cancelled_show_gives_a_paid_order_its_outcome_once() -> None:
    paid = replace(place(TICKET), status=OrderStatus.COMPLETE)

    change = paid.end_for_cancelled_show()

    (event,) = change.events
    assert isinstance(event, OrderUpdated)
    assert (event.status, event.outcome) == (OrderStatus.COMPLETE, Outcome.RETURNING)
    assert (event.reason, event.detail, event.version) == (None, SHOW_CANCELLED, 1)
    assert change.after.end_for_cancelled_show().events == ()


def test_cancelled_show_leaves_a_cancelled_order() -> None:
    cancelled = place(TICKET).expire().after

    assert cancelled.end_for_cancelled_show().after == cancelled


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def orders(serve: Serve, environment: dict[str, Any], clock: FakeClock) -> Client:
    """A signed-in client of a service whose clock the test sets."""
    client = await serve(create_app(Settings(**environment), clock))
    client.clock = clock
    client.sign_in()
    return client


@pytest.fixture
async def ticket(orders: Client, published: EventProbe) -> TicketCreated:
    """A ticket of a show, which orders has a copy of."""
    assert orders
    ticket = TicketCreated(
        id=new_id(),
        version=0,
        title="Front row",
        price=1999,
        user_id=new_id(),
        show=FACTS,
        seat=SEAT,
    )
    await publish(published, ticket)
    return ticket


async def publish(published: EventProbe, ticket: TicketCreated, **changes: Any) -> None:
    """Publish a ticket, or a later version of it."""
    event = TicketUpdated.model_validate({**ticket.model_dump(), **changes}) if changes else ticket
    await published.publish(event, aggregate_id=ticket.id)
    await published.wait_until_handled("orders-tickets")


async def order(orders: Client, ticket: TicketCreated, **seen: object) -> httpx.Response:
    return await orders.post("/api/orders", json={"ticketId": ticket.id, **seen})


async def cancel_show(published: EventProbe, ticket: TicketCreated, version: int = 1) -> None:
    await publish(published, ticket, version=version, show=CANCELLED)


async def test_order_shows_and_publishes_its_show_and_seat(
    orders: Client, ticket: TicketCreated, published: EventProbe
) -> None:
    response = await order(orders, ticket)

    shown = response.json()["ticket"]
    assert shown["seat"] == {"row": "12", "seat": "7"}
    assert shown["show"]["venue"] == {"name": "Tempodrom", "city": "Berlin", "country": "DE"}
    assert shown["show"].keys() == {"id", "name", "startsAt", "endsAt", "timeZone", "venue"}
    event = await published.next(OrderCreated)
    assert event.ticket.show is not None
    assert (event.ticket.show.starts_at, event.ticket.seat) == (FACTS.starts_at, SEAT)
    assert event.ticket.seller_id == ticket.user_id
    stored = (await orders.get(f"/api/orders/{response.json()['id']}")).json()
    assert stored["ticket"]["seat"] == shown["seat"]


@pytest.mark.parametrize("flag", ["withdrawn", "withdrawing"])
async def test_order_of_a_withdrawn_ticket_is_400(
    orders: Client, ticket: TicketCreated, published: EventProbe, flag: str
) -> None:
    await publish(published, ticket, version=1, **{flag: True})

    response = await order(orders, ticket)

    assert response.status_code == 400
    assert errors(response) == [{"message": "Ticket was withdrawn by its seller"}]


async def test_order_of_a_ticket_that_changed_while_its_buyer_looked_is_409_and_reserves_nothing(
    orders: Client, ticket: TicketCreated, published: EventProbe
) -> None:
    seen = {"showId": FACTS.id, "showVersion": 0, "seat": {"row": "12", "seat": "7"}}
    later = {**FACTS.model_dump(), "version": 2, "name": "Nina Simone, live"}
    await publish(published, ticket, version=1, show=later, seat={"row": "13"})

    corrected = await order(orders, ticket, **seen)
    moved = await order(orders, ticket, **seen | {"showVersion": 2})
    without_seat = await order(orders, ticket, seat=None)

    assert [corrected.status_code, moved.status_code, without_seat.status_code] == [409] * 3
    assert [error["field"] for error in errors(corrected)] == ["showVersion"]
    assert "Nina Simone, live" in errors(corrected)[0]["message"]
    row = [{"message": "The seat is now row 13", "field": "seat"}]
    assert errors(moved) == errors(without_seat) == row
    assert (await orders.get("/api/orders")).json() == []
    agreed = await order(orders, ticket, showVersion=2, seat={"row": "13", "section": None})
    assert agreed.status_code == 201


@pytest.mark.parametrize(
    ("field", "value"),
    [("showId", "x"), ("showVersion", -1), ("showVersion", "x"), ("seat", "12")],
)
async def test_malformed_show_or_seat_is_400_with_its_field(
    orders: Client, ticket: TicketCreated, field: str, value: object
) -> None:
    response = await order(orders, ticket, **{field: value})

    assert (response.status_code, errors(response)[0]["field"]) == (400, field)


async def test_order_after_the_start_of_the_show_is_400(
    orders: Client, ticket: TicketCreated, clock: FakeClock
) -> None:
    clock.advance(days=1)
    orders.sign_in()  # a session is shorter

    response = await order(orders, ticket)

    assert response.status_code == 400
    assert errors(response) == [{"message": "The show has started"}]


async def test_cancelled_show_ends_the_unpaid_order_and_refuses_the_next(
    orders: Client, ticket: TicketCreated, published: EventProbe
) -> None:
    placed = (await order(orders, ticket)).json()

    await cancel_show(published, ticket)
    await cancel_show(published, ticket)

    shown = (await orders.get(f"/api/orders/{placed['id']}")).json()
    assert (shown["status"], shown["reason"]) == ("cancelled", "expired")
    assert (shown["detail"], shown["version"]) == ("show cancelled", 1)
    assert errors(await order(orders, ticket)) == [{"message": "The show is cancelled"}]


async def test_cancelled_show_marks_the_paid_order_as_returning(
    orders: Client, ticket: TicketCreated, published: EventProbe
) -> None:
    placed = (await order(orders, ticket)).json()
    paid = PaymentCreated(
        id=new_id(),
        version=1,
        order_id=placed["id"],
        amount=1999,
        status=ChargeStatus.SUCCEEDED,
    )
    await published.publish(paid, aggregate_id=paid.id)
    await published.wait_until_handled("orders-payments")

    await cancel_show(published, ticket)
    await cancel_show(published, ticket, version=2)

    shown = (await orders.get(f"/api/orders/{placed['id']}")).json()
    assert (shown["status"], shown["outcome"], shown["version"]) == ("complete", "returning", 2)
    await published.next(OrderUpdated)
    assert len(await published.all(OrderCompleted)) == 1
    assert [event.outcome for event in await published.all(OrderUpdated)] == ["returning"]


async def test_order_that_slipped_in_before_the_cancellation_ends_with_its_reservation(
    orders: Client, ticket: TicketCreated, published: EventProbe
) -> None:
    """The copy is older than the cancellation; the event of the reservation has it."""
    placed = (await order(orders, ticket)).json()

    await publish(
        published, ticket, version=2, show=CANCELLED, status="reserved", order_id=placed["id"]
    )

    shown = (await orders.get(f"/api/orders/{placed['id']}")).json()
    assert (shown["status"], shown["detail"]) == ("cancelled", "show cancelled")
