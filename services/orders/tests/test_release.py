"""Tests of the date on which the seller of an order is paid, and of the buyer's word."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common.events import (
    ChargeStatus,
    OrderCompleted,
    OrderCreated,
    OrderStatus,
    OrderUpdated,
    Outcome,
    PaymentCreated,
    PaymentRefunded,
    TicketCreated,
    VaultState,
    VaultUpdated,
)
from common.messaging.envelope import EventEnvelope
from common.persistence.mongo import collection_of, object_id
from common.shows import OrderedShow, Venue
from common.testing.client import Client
from common.testing.events import EventProbe
from common.testing.polling import eventually
from common.values.clock import utc_now
from common.values.ids import new_id
from orders.domain.order import Order
from orders.domain.ticket import ReservedTicket
from orders.store.orders import OrderDocument

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SHOW = OrderedShow(
    id=new_id(),
    name="Nina Simone",
    starts_at=NOW + DAY,
    ends_at=NOW + DAY + timedelta(hours=3),
    time_zone="Europe/Berlin",
    venue=Venue(name="Tempodrom", city="Berlin", country="DE"),
)
PAID = Order(
    id=new_id(),
    version=1,
    status=OrderStatus.COMPLETE,
    user_id=new_id(),
    created_at=NOW,
    expires_at=NOW + timedelta(minutes=15),
    ticket=ReservedTicket(new_id(), "Front row", 1999, 1),
)
FOR_SHOW = replace(PAID, ticket=replace(PAID.ticket, show=SHOW))


@pytest.mark.parametrize(
    ("order", "release_at"),
    [
        (FOR_SHOW, SHOW.ends_at + timedelta(hours=72)),
        (replace(FOR_SHOW, received_at=NOW), SHOW.ends_at + timedelta(hours=72)),
        (PAID, NOW + 90 * DAY),
        (replace(PAID, received_at=NOW + DAY), NOW + 15 * DAY),
        (replace(PAID, received_at=NOW + 89 * DAY), NOW + 90 * DAY),
    ],
    ids=["show", "show, received", "no show", "received", "received late"],
)
def test_release_date_is_never_earlier_or_later_than_promised(
    order: Order, release_at: datetime
) -> None:
    assert order.release_at == release_at
    assert order.to_event().model_dump()["releaseAt"] == release_at


def test_reveal_of_ticket_without_show_brings_its_payout_forward() -> None:
    change = PAID.record_reveal(NOW + DAY)

    (event,) = change.events
    assert isinstance(event, OrderUpdated)
    assert (event.version, event.release_at) == (2, NOW + 15 * DAY)
    assert change.after.record_reveal(NOW + 2 * DAY).after == change.after


def test_first_reveal_of_ticket_for_a_show_is_published_without_another_date() -> None:
    change = FOR_SHOW.record_reveal(NOW + DAY)

    (event,) = change.events
    assert isinstance(event, OrderUpdated)
    assert (event.revealed_at, event.received_at) == (NOW + DAY, None)
    assert event.release_at == FOR_SHOW.release_at
    assert change.after.record_reveal(NOW + 2 * DAY).after == change.after


def test_reveal_after_the_word_that_the_ticket_arrived_keeps_the_date() -> None:
    order = replace(PAID, received_at=NOW + DAY)

    revealed = order.record_reveal(NOW + 2 * DAY).after

    assert (revealed.received_at, revealed.revealed_at) == (NOW + DAY, NOW + 2 * DAY)
    assert revealed.release_at == order.release_at


@pytest.mark.parametrize(
    ("order", "at"),
    [
        (PAID, NOW - DAY),
        (replace(PAID, status=OrderStatus.CANCELLED), NOW + DAY),
    ],
    ids=["earlier holder", "not paid"],
)
def test_reveal_that_decides_nothing_is_ignored(order: Order, at: datetime) -> None:
    assert order.record_reveal(at).after == order


def payment(kind: type[PaymentCreated | PaymentRefunded], order: dict[str, Any]) -> Any:
    refunded = kind is PaymentRefunded
    status = ChargeStatus.REFUNDED if refunded else ChargeStatus.SUCCEEDED
    return kind(id=new_id(), version=1 + refunded, order_id=order["id"], amount=1999, status=status)


async def pay(orders: Client, published: EventProbe, ticket: TicketCreated) -> dict[str, Any]:
    orders.sign_in()
    order = (await orders.post("/api/orders", json={"ticketId": ticket.id})).json()
    await published.publish(payment(PaymentCreated, order), aggregate_id=order["id"])
    await published.wait_until_handled("orders-payments")
    return order


async def test_order_publishes_who_is_paid_and_when(
    orders: Client, published: EventProbe, ticket: TicketCreated
) -> None:
    order = await pay(orders, published, ticket)

    created = await published.next(OrderCreated)
    assert created.ticket.seller_id == ticket.user_id
    assert created.release_at == datetime.fromisoformat(order["createdAt"]) + 90 * DAY
    assert (await published.next(OrderCompleted)).release_at == created.release_at


async def test_buyer_says_that_the_ticket_arrived_once(
    orders: Client, published: EventProbe, ticket: TicketCreated
) -> None:
    order = await pay(orders, published, ticket)
    path = f"/api/orders/{order['id']}/received"

    answer = await orders.post(path)
    again = await orders.post(path)

    assert answer.status_code == again.status_code == 200
    received_at = datetime.fromisoformat(answer.json()["receivedAt"])
    assert again.json() == answer.json()
    assert (await published.next(OrderUpdated)).release_at == received_at + 14 * DAY


async def test_receipt_is_refused_for_other_buyers_and_unpaid_orders(
    orders: Client, ticket: TicketCreated
) -> None:
    orders.sign_in()
    order = (await orders.post("/api/orders", json={"ticketId": ticket.id})).json()
    path = f"/api/orders/{order['id']}/received"

    assert (await orders.post(path)).status_code == 400
    orders.sign_in()
    assert (await orders.post(path)).status_code == 401
    assert (await orders.post(f"/api/orders/{new_id()}/received")).status_code == 404


async def test_reveal_in_the_vault_brings_the_payout_forward(
    orders: Client, published: EventProbe, ticket: TicketCreated
) -> None:
    await pay(orders, published, ticket)
    revealed_at = utc_now()
    entry_id = new_id()

    await published.publish(
        VaultUpdated(
            id=entry_id,
            version=2,
            ticket_id=ticket.id,
            state=VaultState.REVEALED,
            digest="ab" * 32,
            uploaded_by=ticket.user_id,
            revealed_at=revealed_at,
        ),
        aggregate_id=entry_id,
    )

    assert (await published.next(OrderUpdated)).release_at == revealed_at + 14 * DAY


async def test_refund_of_a_paid_order_is_its_outcome(
    orders: Client, published: EventProbe, ticket: TicketCreated
) -> None:
    order = await pay(orders, published, ticket)

    await published.publish(payment(PaymentRefunded, order), aggregate_id=order["id"])

    updated = await published.next(OrderUpdated)
    assert (updated.status, updated.outcome) == (OrderStatus.COMPLETE, Outcome.REFUNDED)


async def test_republishing_gives_orders_of_earlier_versions_their_seller(
    orders: Client, published: EventProbe, ticket: TicketCreated
) -> None:
    order = await pay(orders, published, ticket)
    stored = {"_id": object_id(order["id"])}
    yesterday = {"$unset": {"ticket.seller_id": "", "received_at": ""}}
    await collection_of(OrderDocument).update_one(stored, yesterday)

    envelopes: list[EventEnvelope] = [
        envelope async for envelope in orders.app.state.service.snapshot_events()
    ]

    (envelope,) = [each for each in envelopes if each.aggregate_id == order["id"]]
    republished = OrderCompleted.model_validate_json(envelope.data)
    assert republished.ticket.seller_id == ticket.user_id
    updated = await published.next(OrderUpdated)
    assert (updated.version, updated.ticket.seller_id) == (republished.version, ticket.user_id)

    async def published_once() -> bool:
        return len(await published.all(OrderUpdated)) == 1

    assert await eventually(published_once)
