"""Tests of ticket, expiration and payment events, repeated, late and out of order."""

import asyncio
from typing import Any

import pytest
from prometheus_client import REGISTRY

from common.events import (
    CancelReason,
    ChargeStatus,
    Event,
    ExpirationCompleted,
    OrderCancelled,
    OrderCompleted,
    OrderUpdated,
    PaymentCreated,
    PaymentFailed,
    PaymentUpdated,
    TicketCreated,
    TicketUpdated,
)
from common.testing.client import Client
from common.testing.clock import FakeClock
from common.testing.events import EventProbe
from common.testing.plugin import Serve
from common.testing.polling import eventually
from common.values.clock import utc_now
from common.values.ids import new_id
from orders.app import create_app
from orders.domain.order import EARLY_TOLERANCE, OVERDUE_GRACE
from orders.settings import Settings


@pytest.fixture
async def orders(serve: Serve, environment: dict[str, Any]) -> Client:
    """A client of a service whose orders may expire at once, as far as its clock is concerned."""
    return await serve(create_app(Settings(**environment, order_expiration_seconds=2)))


@pytest.fixture
async def order(orders: Client, ticket: TicketCreated) -> dict[str, Any]:
    orders.sign_in()
    return (await orders.post("/api/orders", json={"ticketId": ticket.id})).json()


async def publish_events(published: EventProbe, *events: Event, key: str) -> None:
    for event in events:
        await published.publish(event, aggregate_id=key)
    for stream in ("tickets", "expiration", "payments"):
        await published.wait_until_handled(f"orders-{stream}")


async def order_state(orders: Client, order: dict[str, Any]) -> tuple[str, str | None, int]:
    shown = (await orders.get(f"/api/orders/{order['id']}")).json()
    return shown["status"], shown["reason"], shown["version"]


async def published_outcomes(published: EventProbe) -> list[OrderCompleted | OrderCancelled]:
    """Wait until an order's end is published, and return the events of all ends."""

    async def outcomes() -> list[OrderCompleted | OrderCancelled]:
        return [*await published.all(OrderCompleted), *await published.all(OrderCancelled)]

    return await eventually(outcomes)


def expirations_over_a_minute_early() -> float:
    name = "order_expiration_early_seconds"
    total = REGISTRY.get_sample_value(f"{name}_count") or 0
    return total - (REGISTRY.get_sample_value(f"{name}_bucket", {"le": "60.0"}) or 0)


def paid(order: dict[str, Any], version: int = 1) -> PaymentCreated:
    return PaymentCreated(
        id=new_id(),
        version=version,
        order_id=order["id"],
        amount=1999,
        status=ChargeStatus.SUCCEEDED,
    )


def declined(order: dict[str, Any], *, final: bool) -> PaymentFailed:
    return PaymentFailed(
        id=new_id(),
        version=1,
        order_id=order["id"],
        amount=1999,
        status=ChargeStatus.REQUIRES_PAYMENT_METHOD,
        final=final,
    )


async def test_ticket_event_updates_the_copy(
    orders: Client, ticket: TicketCreated, published: EventProbe
) -> None:
    edited = TicketUpdated(
        id=ticket.id, version=1, title="Back row", price=500, user_id=ticket.user_id
    )

    await publish_events(published, edited, edited, ticket, key=ticket.id)

    orders.sign_in()
    order = (await orders.post("/api/orders", json={"ticketId": ticket.id})).json()
    assert order["ticket"] == {"id": ticket.id, "title": "Back row", "price": 5.0}


async def test_ticket_events_in_any_order_keep_the_newest_state(
    orders: Client, published: EventProbe
) -> None:
    ticket_id, seller = new_id(), new_id()
    states = [
        TicketUpdated(id=ticket_id, version=v, title=f"v{v}", price=100 + v, user_id=seller)
        for v in (3, 1, 4, 0, 2)
    ]

    await publish_events(published, *states, key=ticket_id)

    orders.sign_in()
    order = (await orders.post("/api/orders", json={"ticketId": ticket_id})).json()
    assert order["ticket"]["title"] == "v4"


async def test_expiration_cancels_the_order(
    orders: Client, order: dict[str, Any], published: EventProbe
) -> None:
    await publish_events(published, ExpirationCompleted(order_id=order["id"]), key=order["id"])

    assert await order_state(orders, order) == ("cancelled", "expired", 1)
    assert (await published.next(OrderCancelled)).id == order["id"]


async def test_repeated_expiration_publishes_once(
    orders: Client, order: dict[str, Any], published: EventProbe
) -> None:
    event = ExpirationCompleted(order_id=order["id"])

    await publish_events(published, event, event, key=order["id"])

    assert await order_state(orders, order) == ("cancelled", "expired", 1)
    await published.next(OrderCancelled)
    assert len(await published.all(OrderCancelled)) == 1


async def test_early_expiration_is_given_back_until_the_order_is_due(
    serve: Serve, environment: dict[str, Any], ticket: TicketCreated, published: EventProbe
) -> None:
    client = await serve(create_app(Settings(**environment, order_expiration_seconds=4)))
    client.sign_in()
    order = (await client.post("/api/orders", json={"ticketId": ticket.id})).json()

    await publish_events(published, ExpirationCompleted(order_id=order["id"]), key=order["id"])

    cancelled = await published.next(OrderCancelled)
    assert cancelled.reason is CancelReason.EXPIRED
    lateness = utc_now() - cancelled.expires_at
    assert -EARLY_TOLERANCE <= lateness < OVERDUE_GRACE
    assert len(await published.all(OrderCancelled)) == 1
    assert await published.dead_letters() == []


async def test_expiration_of_a_paid_order_is_never_given_back(
    serve: Serve, environment: dict[str, Any], ticket: TicketCreated, published: EventProbe
) -> None:
    client = await serve(create_app(Settings(**environment)))
    client.sign_in()
    order = (await client.post("/api/orders", json={"ticketId": ticket.id})).json()
    await publish_events(published, paid(order), key=order["id"])

    await publish_events(published, ExpirationCompleted(order_id=order["id"]), key=order["id"])

    assert await order_state(client, order) == ("complete", None, 1)


async def test_expiration_that_is_minutes_early_is_measured_for_the_alert(
    serve: Serve, environment: dict[str, Any], ticket: TicketCreated, published: EventProbe
) -> None:
    client = await serve(create_app(Settings(**environment)))
    client.sign_in()
    order = (await client.post("/api/orders", json={"ticketId": ticket.id})).json()
    before = expirations_over_a_minute_early()

    await published.publish(ExpirationCompleted(order_id=order["id"]), aggregate_id=order["id"])

    async def is_measured() -> bool:
        return expirations_over_a_minute_early() == before + 1

    await eventually(is_measured)
    assert await order_state(client, order) == ("created", None, 0)


async def test_overdue_order_expires_without_an_event(
    serve: Serve, environment: dict[str, Any], ticket: TicketCreated, published: EventProbe
) -> None:
    clock = FakeClock(utc_now())
    client = await serve(create_app(Settings(**environment), clock))
    client.sign_in()
    order = (await client.post("/api/orders", json={"ticketId": ticket.id})).json()
    service = client.app.state.service.orders

    clock.advance(seconds=904)
    before_grace = await service.expire_overdue()
    clock.advance(seconds=2)

    cancelled = await published.next(OrderCancelled)
    assert before_grace == 0
    assert (cancelled.id, cancelled.reason) == (order["id"], CancelReason.EXPIRED)
    assert await service.expire_overdue() == 0


async def test_payment_completes_the_order(
    orders: Client, order: dict[str, Any], published: EventProbe
) -> None:
    await publish_events(published, paid(order), key=order["id"])

    assert await order_state(orders, order) == ("complete", None, 1)
    assert (await published.next(OrderCompleted)).id == order["id"]


async def test_paid_order_does_not_expire(
    orders: Client, order: dict[str, Any], published: EventProbe
) -> None:
    await publish_events(
        published, paid(order), ExpirationCompleted(order_id=order["id"]), key=order["id"]
    )

    assert (await order_state(orders, order))[0] in {"complete", "cancelled"}
    await publish_events(published, ExpirationCompleted(order_id=order["id"]), key=order["id"])
    assert len(await published_outcomes(published)) == 1


async def test_late_payment_does_not_reopen_the_order(
    orders: Client, order: dict[str, Any], published: EventProbe
) -> None:
    await publish_events(published, ExpirationCompleted(order_id=order["id"]), key=order["id"])

    await publish_events(published, paid(order), key=order["id"])

    assert await order_state(orders, order) == ("cancelled", "expired", 1)
    assert await published.all(OrderCompleted) == []


async def test_repeated_payment_completes_once(
    orders: Client, order: dict[str, Any], published: EventProbe
) -> None:
    await publish_events(published, paid(order), paid(order, version=2), key=order["id"])

    assert await order_state(orders, order) == ("complete", None, 1)


async def test_decline_keeps_the_order_open(
    orders: Client, order: dict[str, Any], published: EventProbe
) -> None:
    await publish_events(published, declined(order, final=False), key=order["id"])

    assert await order_state(orders, order) == ("awaiting:payment", None, 1)
    assert (await published.next(OrderUpdated)).id == order["id"]


async def test_final_decline_cancels_the_order(
    orders: Client, order: dict[str, Any], published: EventProbe
) -> None:
    await publish_events(published, declined(order, final=False), key=order["id"])
    await publish_events(published, declined(order, final=True), key=order["id"])

    assert await order_state(orders, order) == ("cancelled", "payment failed", 2)


async def test_3d_secure_keeps_the_order_open(
    orders: Client, order: dict[str, Any], published: EventProbe
) -> None:
    event = PaymentUpdated(
        id=new_id(),
        version=1,
        order_id=order["id"],
        amount=1999,
        status=ChargeStatus.REQUIRES_ACTION,
    )

    await publish_events(published, event, key=order["id"])

    assert await order_state(orders, order) == ("awaiting:payment", None, 1)


@pytest.mark.parametrize("step", [ChargeStatus.CREATED, ChargeStatus.PROCESSING])
async def test_other_charge_updates_change_nothing(
    orders: Client, order: dict[str, Any], published: EventProbe, step: ChargeStatus
) -> None:
    event = PaymentUpdated(id=new_id(), version=1, order_id=order["id"], amount=1999, status=step)

    await publish_events(published, event, key=order["id"])

    assert await order_state(orders, order) == ("created", None, 0)


async def test_concurrent_outcomes_leave_exactly_one(
    orders: Client, order: dict[str, Any], published: EventProbe
) -> None:
    cancel, *_ = await asyncio.gather(
        orders.delete(f"/api/orders/{order['id']}"),
        publish_events(published, paid(order), key=order["id"]),
        publish_events(published, ExpirationCompleted(order_id=order["id"]), key=order["id"]),
    )

    final, _, version = await order_state(orders, order)
    assert final in {"complete", "cancelled"}
    assert version == 1
    assert cancel.status_code == (204 if final == "cancelled" else 400)
    assert len(await published_outcomes(published)) == 1


async def test_invalid_payment_event_is_dead_lettered(
    orders: Client, published: EventProbe
) -> None:
    assert orders
    await published.bus.connection.js.publish(
        published.bus.connection.subject("payment.created"), b"not json"
    )

    await published.wait_until_handled("orders-payments")

    assert await published.dead_letters() == [
        {"subject": published.bus.connection.subject("dead.orders-payments"), "reason": "invalid"}
    ]
