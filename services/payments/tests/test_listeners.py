"""What payments hears: orders, however their events come, and what becomes of the money."""

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
from common.testing.plugin import Client, Published, eventually
from payments.testing import Bank, Orders, becomes, charge_of, pay

ServePayments = Callable[..., Awaitable[Client]]
CONFIRM = "POST /v1/payment_intents/*/confirm"


async def test_an_order_can_be_paid_once_it_was_heard_of(payments: Client, orders: Orders) -> None:
    buyer = payments.as_user()

    order_id = await orders.place(buyer, price=50)

    paid = await pay(payments, order_id)
    assert (paid.status_code, paid.json()["amount"]) == (201, 0.5)


@pytest.mark.parametrize("kind", [OrderUpdated, OrderCompleted])
async def test_an_order_that_goes_on_leaves_its_money_alone(
    payments: Client,
    orders: Orders,
    kind: type[OrderUpdated | OrderCompleted],
) -> None:
    status = {
        OrderUpdated: OrderStatus.AWAITING_PAYMENT,
        OrderCompleted: OrderStatus.COMPLETE,
    }[kind]
    order_id = await orders.place(payments.as_user())
    await pay(payments, order_id)
    before = await charge_of(payments, order_id)

    await orders.tell(order_id, kind, version=1, status=status)

    assert await charge_of(payments, order_id) == before
    assert (await pay(payments, order_id)).status_code == 201


async def test_a_cancelled_order_s_payment_is_given_back(
    payments: Client, orders: Orders, bank: Bank, published: Published
) -> None:
    order_id = await orders.place(payments.as_user())
    await pay(payments, order_id)

    await orders.cancel(order_id)

    charge = await becomes(payments, order_id, "refunded")
    (refund,) = await bank.refunds(order_id)
    assert (charge.stripe_refund_id, charge.refund_reason) == (refund.id, "order cancelled")
    assert (refund.amount, refund.status) == (1999, "succeeded")
    told = await published.next(PaymentRefunded)
    assert (told.stripe_refund_id, told.order_id) == (refund.id, order_id)


async def test_a_cancellation_heard_again_and_again_is_one_refund(
    payments: Client, orders: Orders, bank: Bank, published: Published
) -> None:
    order_id = await orders.place(payments.as_user())
    await pay(payments, order_id)

    for n in range(3):
        await orders.cancel(order_id, event_id=f"again-{order_id}-{n}")
    await becomes(payments, order_id, "refunded")
    await orders.cancel(order_id, event_id=f"and-again-{order_id}")

    assert len(await bank.refunds(order_id)) == 1
    await published.next(PaymentRefunded)
    assert len(await published.all(PaymentRefunded)) == 1


async def test_a_cancelled_order_nobody_tried_to_pay_costs_nothing(
    payments: Client, orders: Orders, bank: Bank, published: Published
) -> None:
    order_id = await orders.place(payments.as_user())

    await orders.cancel(order_id)

    assert await charge_of(payments, order_id) is None
    assert await bank.intents(order_id) == []
    assert await published.dead_letters() == []


async def test_a_cancellation_that_overtakes_its_order_is_the_last_word(
    payments: Client, orders: Orders, bank: Bank
) -> None:
    order_id = orders.place_unheard(payments.as_user())

    await orders.cancel(order_id)
    await orders.tell(order_id)

    response = await pay(payments, order_id)
    assert response.status_code == 400
    assert await bank.intents(order_id) == []


@pytest.mark.parametrize("token", ["tok_chargeDeclined", "pm_card_authenticationRequired"])
async def test_an_intent_of_a_cancelled_order_can_never_be_paid(
    payments: Client, orders: Orders, bank: Bank, token: str
) -> None:
    order_id = await orders.place(payments.as_user())
    asked = (await pay(payments, order_id, token)).json()

    await orders.cancel(order_id)

    await becomes(payments, order_id, "canceled")
    assert (await bank.intent(order_id)).status == "canceled"
    if secret := asked.get("clientSecret"):
        assert (await bank.authenticate(secret)).is_error
    assert await bank.taken(order_id) == 0


@pytest.mark.parametrize("wins", ["confirm", "cancel"])
async def test_an_order_cancelled_while_it_is_being_paid_keeps_no_money(
    payments: Client, orders: Orders, bank: Bank, wins: str
) -> None:
    order_id = await orders.place(payments.as_user())
    if wins == "cancel":
        await bank.fault(CONFIRM, "delay", delay_ms=1500)
    else:
        await bank.fault("POST /v1/payment_intents/*/cancel", "delay", delay_ms=1500)
        await bank.fault(CONFIRM, "delay", delay_ms=700)
    paying = asyncio.create_task(pay(payments, order_id))
    await becomes(payments, order_id, "processing")

    await orders.cancel(order_id)

    response = await paying
    assert response.status_code == 400, response.text
    charge = await becomes(payments, order_id, "canceled" if wins == "cancel" else "refunded")
    taken, refunds = await bank.taken(order_id), await bank.refunds(order_id)
    assert taken == len(refunds) == (0 if wins == "cancel" else 1)
    assert charge.stripe_refund_id == (refunds[0].id if refunds else None)


async def test_an_order_cancelled_just_before_its_charge_was_stored_is_not_charged(
    payments: Client, orders: Orders, bank: Bank
) -> None:
    """The cancellation found no charge to mark, and the attempt had already seen the order live."""
    order_id = await orders.place(payments.as_user())
    await bank.fault("POST /v1/payment_intents", "delay", delay_ms=1000)
    paying = asyncio.create_task(pay(payments, order_id))

    async def asked() -> bool:
        return not await bank.untouched({"match": "POST /v1/payment_intents"})

    await eventually(asked)
    await orders.cancel(order_id)

    assert (await paying).status_code == 400
    await becomes(payments, order_id, "canceled")
    assert (await bank.intent(order_id)).status == "canceled"
    assert await bank.taken(order_id) == 0


async def test_a_cancellation_that_another_replica_heard_is_not_overlooked(
    serve_payments: ServePayments, orders: Orders, bank: Bank
) -> None:
    deaf = await serve_payments()
    order_id = await orders.place(deaf.as_user())
    await deaf.app.state.running.bus.stop_listening(1)
    await serve_payments()
    await orders.cancel(order_id)

    response = await pay(deaf, order_id)

    assert response.status_code == 400
    assert await bank.taken(order_id) == 0


async def test_success_that_is_seen_after_the_cancellation_goes_back(
    serve_payments: ServePayments, orders: Orders, bank: Bank, published: Published
) -> None:
    """The money was taken, the answer was lost, and the order was cancelled before anyone saw."""
    blind = await serve_payments(payment_reconcile_seconds=0)
    order_id = await orders.place(blind.as_user())
    await bank.fault(CONFIRM, "drop_after", times=3)
    lost = await pay(blind, order_id)

    await orders.cancel(order_id)
    seeing = await serve_payments()

    assert lost.status_code == 503
    await becomes(seeing, order_id, "refunded")
    assert await bank.taken(order_id) == len(await bank.refunds(order_id)) == 1
    assert await published.all(PaymentCreated) == []


async def test_a_refund_that_takes_its_time_is_watched(
    payments: Client, orders: Orders, bank: Bank
) -> None:
    order_id = await orders.place(payments.as_user())
    await pay(payments, order_id, "pm_card_pendingRefund")

    await orders.cancel(order_id)

    async def begun() -> bool:
        charge = await charge_of(payments, order_id)
        return charge is not None and charge.stripe_refund_id is not None

    await eventually(begun)
    charge = await becomes(payments, order_id, "refunded")
    assert [refund.id for refund in await bank.refunds(order_id)] == [charge.stripe_refund_id]


async def test_a_refund_that_stripe_refuses_is_told_as_failed(
    payments: Client, orders: Orders, bank: Bank, published: Published
) -> None:
    order_id = await orders.place(payments.as_user())
    await pay(payments, order_id)
    error = {"type": "invalid_request_error", "code": "charge_disputed", "message": "Disputed."}
    await bank.fault("POST /v1/refunds", "status", status=400, error=error)

    await orders.cancel(order_id)

    charge = await becomes(payments, order_id, "refund_failed")
    assert (charge.stripe_refund_id, charge.refund_reason) == (None, "charge_disputed")

    async def told() -> list[Any]:
        updates = await published.all(PaymentUpdated)
        return [event for event in updates if event.status is ChargeStatus.REFUND_FAILED]

    assert (await eventually(told))[0].reason == "charge_disputed"


async def test_money_that_somebody_gave_back_by_hand_is_not_given_back_again(
    payments: Client, orders: Orders, bank: Bank
) -> None:
    order_id = await orders.place(payments.as_user())
    await pay(payments, order_id)
    intent = await bank.intent(order_id)
    by_hand = await bank.api.refunds.create_async({"payment_intent": intent.id})

    await orders.cancel(order_id)

    charge = await becomes(payments, order_id, "refunded")
    assert charge.stripe_refund_id == by_hand.id
    assert len(await bank.refunds(order_id)) == 1


async def test_events_do_not_wait_for_stripe(
    payments: Client, orders: Orders, bank: Bank, published: Published
) -> None:
    order_id = await orders.place(payments.as_user())
    await pay(payments, order_id)
    await bank.fault("POST /v1/refunds", "status", status=500, times=60)

    await orders.cancel(order_id)

    assert (await becomes(payments, order_id, "refund_pending")).order_cancelled
    await orders.place(payments.as_user())
    assert await published.dead_letters() == []
    await bank.mend()
    await becomes(payments, order_id, "refunded")
