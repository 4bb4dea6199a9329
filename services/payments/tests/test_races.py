"""Tests of concurrent clicks, replicas and late responses."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from common.testing.client import Client, errors
from common.testing.clock import FakeClock
from common.testing.plugin import Serve
from common.values.clock import utc_now
from payments.app import create_app
from payments.domain.charge import Charge
from payments.domain.stripe_objects import Intent
from payments.settings import Settings
from payments.store.charges import ChargeStore
from payments.stripe.gateway import Gateway, PaymentMethod
from payments.testing import UNTIL_CLEARED, FakeOrders, StripeProbe, pay, wait_for_status

ServePayments = Callable[..., Awaitable[Client]]
DECLINED = "tok_chargeDeclined"
REQUIRES_AUTHENTICATION = "pm_card_authenticationRequired"
CONFIRM = "POST /v1/payment_intents/*/confirm"


async def test_click_overtaken_by_another_card_returns_201(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = await orders.place(payments.sign_in())
    assert (await pay(payments, order_id, DECLINED)).status_code == 402
    update = ChargeStore.update

    async def overtaken(*args: Any, **named: Any) -> Charge:
        monkeypatch.setattr(ChargeStore, "update", update)
        assert (await pay(payments, order_id, "tok_mastercard")).status_code == 201
        return await update(*args, **named)

    monkeypatch.setattr(ChargeStore, "update", overtaken)
    response = await pay(payments, order_id)

    assert (response.status_code, response.json()["card"]["brand"]) == (201, "mastercard")
    assert await stripe_probe.times_charged(order_id) == 1


async def test_click_overtaken_by_its_double_gets_the_same_result(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = await orders.place(payments.sign_in())
    await pay(payments, order_id, DECLINED)
    token = await stripe_probe.confirmation_token("pm_card_visa_chargeDeclinedLostCard")
    update = ChargeStore.update
    double: list[httpx.Response] = []

    async def overtaken(*args: Any, **named: Any) -> Charge:
        monkeypatch.setattr(ChargeStore, "update", update)
        double.append(await pay(payments, order_id, token))
        return await update(*args, **named)

    monkeypatch.setattr(ChargeStore, "update", overtaken)
    response = await pay(payments, order_id, token)

    assert (response.status_code, double[0].status_code) == (402, 402)
    assert response.json() == double[0].json()
    assert await stripe_probe.declines(order_id) == 2


async def test_double_click_on_two_replicas_is_one_attempt(
    payments: Client, serve_payments: ServePayments, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    other = await serve_payments()
    order_id = await orders.place(other.sign_in(payments.sign_in()))

    for attempts in (1, 2, 3):
        responses = await asyncio.gather(*(pay(at, order_id, DECLINED) for at in (payments, other)))
        assert [response.status_code for response in responses] == [402, 402]
        assert await stripe_probe.declines(order_id) == attempts


async def test_paid_order_returns_201_on_every_replica_after_expiry(
    serve: Serve, payments_environment: dict[str, Any], orders: FakeOrders
) -> None:
    clock = FakeClock(utc_now())
    one, other = [
        await serve(create_app(Settings(**payments_environment), clock)) for _ in range(2)
    ]
    buyer = other.sign_in(one.sign_in())
    # Several, because either replica may consume the event of an order.
    placed = [await orders.place(buyer, seconds=60) for _ in range(6)]
    for order_id in placed:
        await pay(one, order_id)
    clock.advance(seconds=90)

    responses = [await pay(replica, order_id) for order_id in placed for replica in (one, other)]

    assert {response.status_code for response in responses} == {201}


@pytest.mark.parametrize("token", [DECLINED, REQUIRES_AUTHENTICATION])
async def test_uncharged_click_on_cancelled_order_returns_400(
    serve_payments: ServePayments, orders: FakeOrders, stripe_probe: StripeProbe, token: str
) -> None:
    payments = await serve_payments(payment_reconcile_seconds=0)
    order_id = await orders.place(payments.sign_in())
    await stripe_probe.inject_fault(CONFIRM, **UNTIL_CLEARED)

    paying = asyncio.create_task(pay(payments, order_id, token))
    await wait_for_status(payments, order_id, "processing")
    await orders.cancel(order_id)
    await stripe_probe.clear_faults()
    response = await paying

    assert response.status_code == 400
    assert errors(response) == [{"message": "Cannot pay for a cancelled order"}]
    assert (await stripe_probe.intent(order_id)).status == "canceled"


async def test_late_response_does_not_undo_the_next_attempt(
    serve_payments: ServePayments,
    orders: FakeOrders,
    stripe_probe: StripeProbe,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    payments = await serve_payments(payment_lease_seconds=0.3)
    order_id = await orders.place(payments.sign_in())
    confirm, overtaken = Gateway.confirm, asyncio.Event()

    async def slow(gateway: Gateway, charge: Charge, method: PaymentMethod) -> Intent:
        intent = await confirm(gateway, charge, method)
        if method.token == DECLINED:
            await overtaken.wait()
        return intent

    monkeypatch.setattr(Gateway, "confirm", slow)
    first = asyncio.create_task(pay(payments, order_id, DECLINED))
    await wait_for_status(payments, order_id, "requires_payment_method")
    second = await pay(payments, order_id, REQUIRES_AUTHENTICATION)
    overtaken.set()

    assert ((await first).status_code, second.status_code) == (402, 202)
    await stripe_probe.authenticate(second.json()["clientSecret"])
    await wait_for_status(payments, order_id, "succeeded")


async def test_success_after_the_timeout_is_reconciled(
    serve_payments: ServePayments, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    payments = await serve_payments(stripe_timeout_seconds=1, payment_lease_seconds=2)
    order_id = await orders.place(payments.sign_in())
    await stripe_probe.inject_fault(CONFIRM, "hold", delay_ms=4000)

    assert (await pay(payments, order_id)).status_code == 503
    await wait_for_status(payments, order_id, "requires_payment_method")
    assert (await pay(payments, order_id, "tok_unknown")).status_code == 400

    await wait_for_status(payments, order_id, "succeeded")
    assert await stripe_probe.times_charged(order_id) == 1


async def test_unanswered_attempts_leave_the_buyer_more_attempts(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    order_id = await orders.place(payments.sign_in())
    token = await stripe_probe.confirmation_token()
    await stripe_probe.inject_fault(CONFIRM, "status", status=500, times=15)
    for _ in range(5):
        assert (await pay(payments, order_id, token)).status_code == 503
        await wait_for_status(payments, order_id, "requires_payment_method")
    await stripe_probe.clear_faults()

    assert (await pay(payments, order_id, token)).status_code == 201


async def test_same_token_after_authentication_returns_201(
    serve_payments: ServePayments,
    orders: FakeOrders,
    stripe_probe: StripeProbe,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    payments = await serve_payments(payment_reconcile_seconds=0)
    order_id = await orders.place(payments.sign_in())
    secret = (await pay(payments, order_id, REQUIRES_AUTHENTICATION)).json()["clientSecret"]
    retrieve = Gateway.retrieve

    async def then_answered(gateway: Gateway, charge: Charge) -> Intent:
        monkeypatch.setattr(Gateway, "retrieve", retrieve)
        before = await retrieve(gateway, charge)
        await stripe_probe.authenticate(secret)
        return before

    monkeypatch.setattr(Gateway, "retrieve", then_answered)

    assert (await pay(payments, order_id, REQUIRES_AUTHENTICATION)).status_code == 201
