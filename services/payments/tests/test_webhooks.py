"""Tests of the webhook: signatures, repetition, order, and that its content is not trusted."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from common.events import PaymentCreated
from common.testing.client import Client, errors
from common.testing.events import EventProbe
from common.testing.polling import eventually
from payments.domain.charge import Charge
from payments.domain.stripe_objects import Intent
from payments.stripe.gateway import Gateway, PaymentMethod
from payments.testing import (
    FakeOrders,
    StripeProbe,
    deliver_webhook,
    find_charge,
    pay,
    wait_for_status,
)

ServePayments = Callable[..., Awaitable[Client]]
CONFIRM = "POST /v1/payment_intents/*/confirm"


@pytest.fixture
async def payments(serve_payments: ServePayments) -> Client:
    """Start a service without a reconciler."""
    return await serve_payments(payment_reconcile_seconds=0)


async def pay_with_lost_response(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> tuple[str, list[Any]]:
    """Pay with a lost response; return the order id and the events of Stripe."""
    order_id = await orders.place(payments.sign_in())
    await stripe_probe.inject_fault(CONFIRM, "drop_after", times=3)
    assert (await pay(payments, order_id)).status_code == 503
    return order_id, await stripe_probe.events((await stripe_probe.intent(order_id)).id)


async def test_webhook_applies_success(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe, published: EventProbe
) -> None:
    order_id, events = await pay_with_lost_response(payments, orders, stripe_probe)

    responses = [await deliver_webhook(payments, event) for event in events]

    assert [response.status_code for response in responses] == [200] * len(events)
    await wait_for_status(payments, order_id, "succeeded")
    assert (await published.next(PaymentCreated)).order_id == order_id


async def test_webhooks_repeated_and_reordered_change_nothing(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe, published: EventProbe
) -> None:
    order_id = await orders.place(payments.sign_in())
    for token in ("tok_chargeDeclined", "tok_visa"):
        await pay(payments, order_id, token)
    events = await stripe_probe.events((await stripe_probe.intent(order_id)).id)
    assert {"payment_intent.payment_failed", "payment_intent.succeeded"} <= {
        event["type"] for event in events
    }
    before = await find_charge(payments, order_id)

    responses = await asyncio.gather(
        *(deliver_webhook(payments, e) for e in [*reversed(events), *events])
    )

    assert {response.status_code for response in responses} == {200}
    assert await find_charge(payments, order_id) == before
    await published.next(PaymentCreated)
    assert len(await published.all(PaymentCreated)) == 1


async def test_webhook_event_is_processed_once(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    order_id = await orders.place(payments.sign_in())
    await pay(payments, order_id, "tok_chargeDeclined")
    (failed_event,) = [
        event
        for event in await stripe_probe.events((await stripe_probe.intent(order_id)).id)
        if event["type"] == "payment_intent.payment_failed"
    ]
    first = await deliver_webhook(payments, failed_event)
    await stripe_probe.inject_fault("GET /v1/payment_intents/*", "status", status=500, times=9)

    again = await deliver_webhook(payments, failed_event)
    other = await deliver_webhook(payments, {**failed_event, "id": "evt_another"})

    assert (first.status_code, again.status_code, other.status_code) == (200, 200, 503)


@pytest.mark.parametrize("received_by", ["same replica", "another replica"])
async def test_webhook_without_news_does_not_call_stripe(
    serve_payments: ServePayments, orders: FakeOrders, stripe_probe: StripeProbe, received_by: str
) -> None:
    payments, other = await serve_payments(), await serve_payments()
    order_id = await orders.place(payments.sign_in())
    await pay(payments, order_id)
    events = await stripe_probe.events((await stripe_probe.intent(order_id)).id)
    await stripe_probe.inject_fault("GET /v1/payment_intents/*", "status", status=500, times=9)
    (succeeded_event,) = [event for event in events if event["type"] == "payment_intent.succeeded"]

    response = await deliver_webhook(
        payments if received_by == "same replica" else other, succeeded_event
    )

    assert response.status_code == 200


async def test_webhook_during_an_attempt_waits_for_its_result(
    payments: Client,
    serve_payments: ServePayments,
    orders: FakeOrders,
    stripe_probe: StripeProbe,
) -> None:
    other = await serve_payments(payment_reconcile_seconds=0)
    order_id = await orders.place(payments.sign_in())
    await stripe_probe.inject_fault(CONFIRM, "delay", delay_ms=500)
    await stripe_probe.inject_fault("GET /v1/payment_intents/*", "status", status=500, times=9)
    paying = asyncio.create_task(pay(payments, order_id))

    async def is_confirming() -> bool:
        return not await stripe_probe.is_armed({"match": CONFIRM})

    await eventually(is_confirming)
    charge = await wait_for_status(payments, order_id, "processing")
    event: dict[str, Any] = {
        "object": "event",
        "id": "evt_early",
        "type": "payment_intent.succeeded",
        "data": {"object": {"id": charge.stripe_id, "object": "payment_intent"}},
    }

    responses = await asyncio.gather(
        *(deliver_webhook(replica, event) for replica in (payments, other))
    )

    assert [response.status_code for response in responses] == [200, 200]
    assert (await paying).status_code == 201
    assert (await wait_for_status(payments, order_id, "succeeded")).card is not None


async def test_webhook_applies_success_without_the_confirm_response(
    payments: Client,
    orders: FakeOrders,
    stripe_probe: StripeProbe,
    published: EventProbe,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("payments.sync.ATTEMPT_WAIT_SECONDS", 0.1)
    order_id = await orders.place(payments.sign_in())
    confirm, webhook_applied = Gateway.confirm, asyncio.Event()

    async def slow_confirm(gateway: Gateway, charge: Charge, method: PaymentMethod) -> Intent:
        intent = await confirm(gateway, charge, method)
        await webhook_applied.wait()
        return intent

    monkeypatch.setattr(Gateway, "confirm", slow_confirm)
    paying = asyncio.create_task(pay(payments, order_id))

    async def succeeded_events() -> list[dict[str, Any]]:
        intents = await stripe_probe.intents(order_id)
        events = await stripe_probe.events(intents[0].id) if intents else []
        return [event for event in events if event["type"] == "payment_intent.succeeded"]

    (event,) = await eventually(succeeded_events)

    webhook = await deliver_webhook(payments, event)
    charge = await find_charge(payments, order_id)
    webhook_applied.set()
    response = await paying

    assert (webhook.status_code, response.status_code) == (200, 201)
    assert charge is not None
    assert (charge.status, charge.version) == ("succeeded", 1)
    assert await find_charge(payments, order_id) == charge
    await published.next(PaymentCreated)
    assert len(await published.all(PaymentCreated)) == 1


async def test_webhook_content_is_not_trusted(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    order_id = await orders.place(payments.sign_in())
    await pay(payments, order_id, "tok_chargeDeclined")
    (failed,) = [
        event
        for event in await stripe_probe.events((await stripe_probe.intent(order_id)).id)
        if event["type"] == "payment_intent.payment_failed"
    ]
    failed["data"]["object"]["status"] = "succeeded"

    response = await deliver_webhook(payments, {**failed, "type": "payment_intent.succeeded"})

    assert response.status_code == 200
    charge = await find_charge(payments, order_id)
    assert charge is not None
    assert charge.status == "requires_payment_method"


async def test_webhook_while_stripe_is_unavailable_returns_503(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    order_id, events = await pay_with_lost_response(payments, orders, stripe_probe)
    succeeded_event = next(event for event in events if event["type"] == "payment_intent.succeeded")
    await stripe_probe.inject_fault("GET /v1/payment_intents/*", "status", status=500, times=3)

    failed = await deliver_webhook(payments, succeeded_event)
    retried = await deliver_webhook(payments, succeeded_event)

    assert (failed.status_code, retried.status_code) == (503, 200)
    await wait_for_status(payments, order_id, "succeeded")


async def test_webhook_of_a_returned_refund_marks_it_failed(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe, serve_payments: ServePayments
) -> None:
    order_id = await orders.place(payments.sign_in())
    await pay(payments, order_id, "pm_card_refundFail")
    await orders.cancel(order_id)
    reconciling = await serve_payments()
    await wait_for_status(reconciling, order_id, "refunded")
    intent = await stripe_probe.intent(order_id)

    async def failed_refund_events() -> list[dict[str, Any]]:
        return [e for e in await stripe_probe.events(intent.id) if e["type"] == "refund.failed"]

    failed = await eventually(failed_refund_events)
    await deliver_webhook(payments, failed[0])

    charge = await wait_for_status(payments, order_id, "refund_failed")
    assert charge.refund_reason == "expired_or_canceled_card"


@pytest.mark.parametrize(
    "tamper",
    [
        {"secret": "whsec_of_another_account"},
        {"headers": {"Stripe-Signature": ""}},
        {"headers": {"Stripe-Signature": "t=1,v1=00"}},
        {"headers": {"Stripe-Signature": "nonsense"}},
        {"headers": {b"Stripe-Signature": b"t=9999999999,v1=\xe9"}},
        {"content": b"{}"},
        {"content": b"\xff"},
        {"age": 3600},
    ],
)
async def test_webhook_with_invalid_signature_returns_400(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe, tamper: dict[str, Any]
) -> None:
    order_id, events = await pay_with_lost_response(payments, orders, stripe_probe)

    response = await deliver_webhook(payments, events[-1], **tamper)

    assert response.status_code == 400
    assert errors(response)
    charge = await find_charge(payments, order_id)
    assert charge is not None
    assert charge.status == "processing"


BODIES_THAT_ARE_NO_EVENT = (
    b"",
    b"{}",
    b"[]",
    b"null",
    b'"evt_1"',
    b'{"id": "evt_1"}',
    b'{"id": null, "type": "payment_intent.succeeded"}',
    b'{"id": "evt_1", "type": ["payment_intent.succeeded"]}',
    b'{"id": "evt_1", "type": "payment_intent.succeeded"}',
    b'{"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": null}}',
    b'{"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": {"id": {}}}}',
    b'{"id": "evt_1", "type": "refund.updated", "data": {"object": {"payment_intent": 1}}}',
    b'{"id": "\\ud800", "type": "refund.updated", "data": {"object": {"id": "re_1"}}}',
    b'{"id": "evt_1", "type": "refund.updated", "data": ' + b"[" * 60_000,
)


async def test_signed_webhook_that_is_no_event_returns_400(payments: Client) -> None:
    for body in BODIES_THAT_ARE_NO_EVENT:
        response = await deliver_webhook(payments, body)

        assert response.status_code == 400, body[:80]
        assert errors(response)


async def test_webhook_of_an_unknown_intent_or_type_returns_200(payments: Client) -> None:
    intent = {"id": "pi_of_another_account", "object": "payment_intent"}
    event = {"object": "event", "api_version": "2026-10-28.endive", "data": {"object": intent}}

    responses = [
        await deliver_webhook(payments, {**event, "id": f"evt_{kind}", "type": kind})
        for kind in ("payment_intent.succeeded", "customer.created", "a.future.type")
    ]

    assert [response.status_code for response in responses] == [200] * 3


async def test_webhook_without_secret_returns_404(
    serve_payments: ServePayments,
) -> None:
    payments = await serve_payments(stripe_webhook_secret=None)

    response = await deliver_webhook(payments, {"id": "evt_1"})

    assert response.status_code == 404
