"""Tests of the events of orders, in any order and more than once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from common.events import (
    ChargeStatus,
    OrderCompleted,
    OrderStatus,
    OrderUpdated,
    PaymentCreated,
    PaymentRefunded,
    PaymentUpdated,
)
from common.testing.client import Client
from common.testing.events import EventProbe
from common.testing.polling import eventually
from payments.testing import (
    UNTIL_CLEARED,
    FakeOrders,
    StripeProbe,
    find_charge,
    pay,
    wait_for_status,
)

ServePayments = Callable[..., Awaitable[Client]]
CONFIRM = "POST /v1/payment_intents/*/confirm"
CANCEL = "POST /v1/payment_intents/*/cancel"


async def test_order_created_makes_the_order_payable(payments: Client, orders: FakeOrders) -> None:
    buyer = payments.sign_in()

    order_id = await orders.place(buyer, price=50)

    paid = await pay(payments, order_id)
    assert (paid.status_code, paid.json()["amount"]) == (201, 0.5)


@pytest.mark.parametrize("kind", [OrderUpdated, OrderCompleted])
async def test_order_updated_and_completed_leave_the_charge_alone(
    payments: Client,
    orders: FakeOrders,
    kind: type[OrderUpdated | OrderCompleted],
) -> None:
    status = {
        OrderUpdated: OrderStatus.AWAITING_PAYMENT,
        OrderCompleted: OrderStatus.COMPLETE,
    }[kind]
    order_id = await orders.place(payments.sign_in())
    await pay(payments, order_id)
    before = await find_charge(payments, order_id)

    await orders.publish(order_id, kind, version=1, status=status)

    assert await find_charge(payments, order_id) == before
    assert (await pay(payments, order_id)).status_code == 201


async def test_order_cancelled_refunds_the_payment(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe, published: EventProbe
) -> None:
    order_id = await orders.place(payments.sign_in())
    await pay(payments, order_id)

    await orders.cancel(order_id)

    charge = await wait_for_status(payments, order_id, "refunded")
    (refund,) = await stripe_probe.refunds(order_id)
    assert (charge.stripe_refund_id, charge.refund_reason) == (refund.id, "order cancelled")
    assert (refund.amount, refund.status) == (1999, "succeeded")
    event = await published.next(PaymentRefunded)
    assert (event.stripe_refund_id, event.order_id) == (refund.id, order_id)


async def test_redelivered_order_cancelled_refunds_once(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe, published: EventProbe
) -> None:
    order_id = await orders.place(payments.sign_in())
    await pay(payments, order_id)

    for n in range(3):
        await orders.cancel(order_id, event_id=f"again-{order_id}-{n}")
    await wait_for_status(payments, order_id, "refunded")
    await orders.cancel(order_id, event_id=f"and-again-{order_id}")

    assert len(await stripe_probe.refunds(order_id)) == 1
    await published.next(PaymentRefunded)
    assert len(await published.all(PaymentRefunded)) == 1


async def test_order_cancelled_without_attempt_does_nothing(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe, published: EventProbe
) -> None:
    order_id = await orders.place(payments.sign_in())

    await orders.cancel(order_id)

    assert await find_charge(payments, order_id) is None
    assert await stripe_probe.intents(order_id) == []
    assert await published.dead_letters() == []


async def test_order_cancelled_before_order_created_wins(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    order_id = orders.place_unpublished(payments.sign_in())

    await orders.cancel(order_id)
    await orders.publish(order_id)

    response = await pay(payments, order_id)
    assert response.status_code == 400
    assert await stripe_probe.intents(order_id) == []


@pytest.mark.parametrize("token", ["tok_chargeDeclined", "pm_card_authenticationRequired"])
async def test_order_cancelled_cancels_the_open_intent(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe, token: str
) -> None:
    order_id = await orders.place(payments.sign_in())
    response = (await pay(payments, order_id, token)).json()

    await orders.cancel(order_id)

    await wait_for_status(payments, order_id, "canceled")
    assert (await stripe_probe.intent(order_id)).status == "canceled"
    if secret := response.get("clientSecret"):
        assert (await stripe_probe.authenticate(secret)).is_error
    assert await stripe_probe.times_charged(order_id) == 0


@pytest.mark.parametrize("first", ["confirm", "cancel"])
async def test_order_cancelled_during_confirm_keeps_no_money(
    serve_payments: ServePayments, orders: FakeOrders, stripe_probe: StripeProbe, first: str
) -> None:
    payments = await serve_payments(payment_lease_seconds=30)
    order_id = await orders.place(payments.sign_in())
    await stripe_probe.inject_fault(CONFIRM, **UNTIL_CLEARED)
    if first == "confirm":
        await stripe_probe.inject_fault(CANCEL, **UNTIL_CLEARED)
    paying = asyncio.create_task(pay(payments, order_id))
    await wait_for_status(payments, order_id, "processing")

    async def is_decided() -> bool:
        if first == "confirm":
            return not await stripe_probe.is_armed({"match": CANCEL})
        return (await stripe_probe.intent(order_id)).status == "canceled"

    cancelling = asyncio.create_task(orders.cancel(order_id))
    await eventually(is_decided)
    await stripe_probe.clear_faults(CONFIRM)

    async def is_charged() -> bool:
        return await stripe_probe.times_charged(order_id) == 1

    if first == "confirm":
        await eventually(is_charged)
        await stripe_probe.clear_faults()
    await cancelling
    response = await paying
    assert response.status_code == 400, response.text
    charge = await wait_for_status(
        payments, order_id, "canceled" if first == "cancel" else "refunded"
    )
    taken, refunds = (
        await stripe_probe.times_charged(order_id),
        await stripe_probe.refunds(order_id),
    )
    assert taken == len(refunds) == (0 if first == "cancel" else 1)
    assert charge.stripe_refund_id == (refunds[0].id if refunds else None)


async def test_order_cancelled_before_charge_is_stored_is_not_charged(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    """The cancellation finds no charge to mark, after the attempt has read the order."""
    order_id = await orders.place(payments.sign_in())
    await stripe_probe.inject_fault("POST /v1/payment_intents", **UNTIL_CLEARED)
    paying = asyncio.create_task(pay(payments, order_id))

    async def is_requested() -> bool:
        return not await stripe_probe.is_armed({"match": "POST /v1/payment_intents"})

    await eventually(is_requested)
    await orders.cancel(order_id)
    await stripe_probe.clear_faults()

    assert (await paying).status_code == 400
    await wait_for_status(payments, order_id, "canceled")
    assert (await stripe_probe.intent(order_id)).status == "canceled"
    assert await stripe_probe.times_charged(order_id) == 0


async def test_order_cancelled_on_another_replica_is_seen(
    serve_payments: ServePayments, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    disconnected = await serve_payments()
    order_id = await orders.place(disconnected.sign_in())
    await disconnected.app.state.service.running.bus.drain(1)
    await serve_payments()
    await orders.cancel(order_id)

    response = await pay(disconnected, order_id)

    assert response.status_code == 400
    assert await stripe_probe.times_charged(order_id) == 0


async def test_success_found_after_order_cancelled_is_refunded(
    serve_payments: ServePayments,
    orders: FakeOrders,
    stripe_probe: StripeProbe,
    published: EventProbe,
) -> None:
    """The order was charged, the response was lost, then the order was cancelled."""
    without_reconciler = await serve_payments(payment_reconcile_seconds=0)
    order_id = await orders.place(without_reconciler.sign_in())
    await stripe_probe.inject_fault(CONFIRM, "drop_after", times=3)
    lost = await pay(without_reconciler, order_id)

    await orders.cancel(order_id)
    with_reconciler = await serve_payments()

    assert lost.status_code == 503
    await wait_for_status(with_reconciler, order_id, "refunded")
    assert (
        await stripe_probe.times_charged(order_id) == len(await stripe_probe.refunds(order_id)) == 1
    )
    assert await published.all(PaymentCreated) == []


async def test_pending_refund_is_reconciled(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    order_id = await orders.place(payments.sign_in())
    await pay(payments, order_id, "pm_card_pendingRefund")

    await orders.cancel(order_id)

    async def begun() -> bool:
        charge = await find_charge(payments, order_id)
        return charge is not None and charge.stripe_refund_id is not None

    await eventually(begun)
    charge = await wait_for_status(payments, order_id, "refunded")
    assert [refund.id for refund in await stripe_probe.refunds(order_id)] == [
        charge.stripe_refund_id
    ]


async def test_rejected_refund_publishes_refund_failed(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe, published: EventProbe
) -> None:
    order_id = await orders.place(payments.sign_in())
    await pay(payments, order_id)
    error = {"type": "invalid_request_error", "code": "charge_disputed", "message": "Disputed."}
    await stripe_probe.inject_fault("POST /v1/refunds", "status", status=400, error=error)

    await orders.cancel(order_id)

    charge = await wait_for_status(payments, order_id, "refund_failed")
    assert (charge.stripe_refund_id, charge.refund_reason) == (None, "charge_disputed")

    async def failed_refund_events() -> list[Any]:
        updates = await published.all(PaymentUpdated)
        return [event for event in updates if event.status is ChargeStatus.REFUND_FAILED]

    assert (await eventually(failed_refund_events))[0].reason == "charge_disputed"


async def test_manual_refund_is_adopted(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    order_id = await orders.place(payments.sign_in())
    await pay(payments, order_id)
    intent = await stripe_probe.intent(order_id)
    by_hand = await stripe_probe.api.refunds.create_async({"payment_intent": intent.id})

    await orders.cancel(order_id)

    charge = await wait_for_status(payments, order_id, "refunded")
    assert charge.stripe_refund_id == by_hand.id
    assert len(await stripe_probe.refunds(order_id)) == 1


async def test_order_cancelled_does_not_wait_for_stripe(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe, published: EventProbe
) -> None:
    order_id = await orders.place(payments.sign_in())
    await pay(payments, order_id)
    await stripe_probe.inject_fault("POST /v1/refunds", "status", status=500, times=60)

    await orders.cancel(order_id)

    assert (await wait_for_status(payments, order_id, "refund_pending")).order_cancelled
    await orders.place(payments.sign_in())
    assert await published.dead_letters() == []
    await stripe_probe.clear_faults()
    await wait_for_status(payments, order_id, "refunded")
