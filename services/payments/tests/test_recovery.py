"""Tests of killed processes: the reconciler or the webhooks alone finish their payments."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest

from common.auth.tokens import User
from common.events import PaymentCreated, PayoutState
from common.testing.client import Client, make_user, session_cookie
from common.testing.events import EventProbe
from common.testing.polling import TIMEOUT_SECONDS, eventually
from payments.seller_testing import SellerProbe, make_seller, sell, wait_for_payout
from payments.testing import (
    VISA,
    FakeOrders,
    StripeProbe,
    deliver_webhook,
    pay,
    wait_for_status,
)
from ticketing_local.processes.managed_process import ManagedProcess
from ticketing_local.stack.program import Program
from ticketing_local.testing.free_ports import free_port

ServePayments = Callable[..., Awaitable[Client]]
NEVER = 0
CREATE = "POST /v1/payment_intents"
CONFIRM = "POST /v1/payment_intents/*/confirm"
REFUND = "POST /v1/refunds"
LOST: dict[str, Any] = {"action": "drop_after", "times": 3}
NOT_ARRIVED: dict[str, Any] = {"action": "drop_before", "times": 3}


class KillableService(ManagedProcess):
    """A payments service in a process that a test can kill."""

    def __init__(self, environment: dict[str, Any], port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        app = ("-m", "uvicorn", "payments.app:create_app", "--factory", "--port", str(port))
        variables = {name.upper(): str(value) for name, value in environment.items()}
        super().__init__(
            Program("payments", (sys.executable, *app), port, self.is_ready, variables)
        )

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz").is_success
        except httpx.TransportError:
            return False

    async def pay(self, buyer: User, order_id: str) -> httpx.Response:
        cookies = {"session": session_cookie(buyer)}
        async with httpx.AsyncClient(cookies=cookies, timeout=TIMEOUT_SECONDS) as client:
            body = {"token": VISA, "orderId": order_id}
            return await client.post(f"{self.url}/api/payments", json=body)


@asynccontextmanager
async def killable_service(
    environment: dict[str, Any], port: int | None = None, **settings: Any
) -> AsyncGenerator[KillableService]:
    short = {"payment_lease_seconds": 1, "payment_reconcile_seconds": NEVER}
    process = KillableService({**environment, **short, **settings}, port or free_port())
    try:
        await process.start_and_wait()
        yield process
    finally:
        process.kill()


async def kill_during_pay(
    environment: dict[str, Any],
    orders: FakeOrders,
    stripe_probe: StripeProbe,
    *,
    call: str,
    fault: dict[str, Any],
    reached: Callable[[str], Awaitable[bool]],
) -> tuple[User, str]:
    """Kill a process during a payment, when a call to Stripe has met the fault."""
    buyer = make_user()
    async with killable_service(environment) as process:
        order_id = await orders.place(buyer)
        await stripe_probe.inject_fault(call, **fault)
        paying = asyncio.create_task(process.pay(buyer, order_id))

        async def has_reached() -> bool:
            return await reached(order_id)

        await eventually(has_reached)
        process.kill()
        with suppress(httpx.TransportError):
            await paying
    await stripe_probe.clear_faults()
    return buyer, order_id


async def pay_until_answered(payments: Client, order_id: str) -> httpx.Response:
    """Pay again until the response is neither 409 nor 503."""

    async def answered() -> httpx.Response | None:
        response = await pay(payments, order_id)
        return None if response.status_code in {409, 503} else response

    response = await eventually(answered)
    assert response is not None
    return response


@pytest.mark.parametrize("point", ["intent created", "confirm sent", "charged"])
@pytest.mark.parametrize("recovered_by", ["reconciler", "webhooks"])
async def test_process_killed_during_pay_charges_once(
    serve_payments: ServePayments,
    payments_environment: dict[str, Any],
    orders: FakeOrders,
    stripe_probe: StripeProbe,
    published: EventProbe,
    point: str,
    recovered_by: str,
) -> None:
    async def intent_created(order_id: str) -> bool:
        return bool(await stripe_probe.intents(order_id))

    async def confirm_sent(order_id: str) -> bool:
        return bool(await stripe_probe.intents(order_id)) and not await stripe_probe.is_armed(
            NOT_ARRIVED
        )

    async def charged(order_id: str) -> bool:
        return await stripe_probe.times_charged(order_id) == 1

    call, fault, reached = {
        "intent created": (CREATE, LOST, intent_created),
        "confirm sent": (CONFIRM, NOT_ARRIVED, confirm_sent),
        "charged": (CONFIRM, LOST, charged),
    }[point]
    buyer, order_id = await kill_during_pay(
        payments_environment, orders, stripe_probe, call=call, fault=fault, reached=reached
    )

    every = 0.1 if recovered_by == "reconciler" else NEVER
    payments = await serve_payments(payment_lease_seconds=1, payment_reconcile_seconds=every)
    payments.sign_in(buyer)
    if recovered_by == "webhooks":
        for event in await stripe_probe.events((await stripe_probe.intent(order_id)).id):
            assert (await deliver_webhook(payments, event)).status_code == 200
    if point == "charged":
        await wait_for_status(payments, order_id, "succeeded")

    assert (await pay_until_answered(payments, order_id)).status_code == 201
    assert len(await stripe_probe.intents(order_id)) == 1
    assert await stripe_probe.times_charged(order_id) == 1
    await published.next(PaymentCreated)
    assert len(await published.all(PaymentCreated)) == 1


@pytest.mark.parametrize("recovered_by", ["reconciler", "webhooks"])
async def test_process_killed_before_expiry_leads_to_a_refund(
    serve_payments: ServePayments,
    payments_environment: dict[str, Any],
    orders: FakeOrders,
    stripe_probe: StripeProbe,
    published: EventProbe,
    recovered_by: str,
) -> None:
    async def charged(order_id: str) -> bool:
        return await stripe_probe.times_charged(order_id) == 1

    _, order_id = await kill_during_pay(
        payments_environment, orders, stripe_probe, call=CONFIRM, fault=LOST, reached=charged
    )
    payments = await serve_payments(payment_lease_seconds=60, payment_reconcile_seconds=NEVER)

    await orders.cancel(order_id)
    if recovered_by == "webhooks":
        for event in await stripe_probe.events((await stripe_probe.intent(order_id)).id):
            await deliver_webhook(payments, event)
    else:  # started now, so that it does not find the success before the cancellation
        payments = await serve_payments(payment_lease_seconds=60, payment_reconcile_seconds=0.1)

    charge = await wait_for_status(payments, order_id, "refunded")
    assert [refund.id for refund in await stripe_probe.refunds(order_id)] == [
        charge.stripe_refund_id
    ]
    assert await published.all(PaymentCreated) == []


@pytest.mark.parametrize("fault", [NOT_ARRIVED, LOST], ids=["sent", "refunded"])
async def test_process_killed_during_refund_refunds_once(
    serve_payments: ServePayments,
    payments_environment: dict[str, Any],
    orders: FakeOrders,
    stripe_probe: StripeProbe,
    fault: dict[str, Any],
) -> None:
    buyer = make_user()
    async with killable_service(payments_environment, payment_reconcile_seconds=0.1) as process:
        order_id = await orders.place(buyer)
        assert (await process.pay(buyer, order_id)).status_code == 201
        await stripe_probe.inject_fault(REFUND, **fault)
        await orders.cancel(order_id)

        await stripe_probe.wait_until_used(fault)
        process.kill()
    await stripe_probe.clear_faults()

    payments = await serve_payments(payment_lease_seconds=1)

    charge = await wait_for_status(payments, order_id, "refunded")
    assert [refund.id for refund in await stripe_probe.refunds(order_id)] == [
        charge.stripe_refund_id
    ]


PAYOUT_KILLS: dict[str, tuple[str, dict[str, Any], PayoutState]] = {
    "before the look-up": ("GET /v1/transfers", NOT_ARRIVED, PayoutState.SENT),
    "before the transfer": ("POST /v1/transfers", NOT_ARRIVED, PayoutState.SENT),
    "after the transfer": ("POST /v1/transfers", LOST, PayoutState.SENT),
    "before the refund": (REFUND, NOT_ARRIVED, PayoutState.RECALLED),
    "after the refund": (REFUND, LOST, PayoutState.RECALLED),
    "before the reversal": ("POST /v1/transfers/*/reversals", NOT_ARRIVED, PayoutState.RECALLED),
    "after the reversal": ("POST /v1/transfers/*/reversals", LOST, PayoutState.RECALLED),
}


@pytest.mark.parametrize("point", PAYOUT_KILLS)
async def test_process_killed_during_payout_moves_the_money_once(
    serve_payments: ServePayments,
    payments_environment: dict[str, Any],
    orders: FakeOrders,
    stripe_probe: StripeProbe,
    point: str,
) -> None:
    """Stripe forgets the idempotency keys before the next process continues."""
    call, fault, expected = PAYOUT_KILLS[point]
    sellers = SellerProbe(stripe_probe)
    idle = await serve_payments(payment_reconcile_seconds=NEVER)
    seller = await make_seller(idle, sellers)
    order_id = await sell(idle, orders, seller)
    if expected is PayoutState.RECALLED:
        await serve_payments(payment_lease_seconds=1)
        await wait_for_payout(idle, order_id, PayoutState.SENT)
    await stripe_probe.inject_fault(call, **fault)
    async with killable_service(payments_environment, payment_reconcile_seconds=0.1) as process:
        if expected is PayoutState.RECALLED:
            await orders.return_order(order_id)

        await stripe_probe.wait_until_used(fault)
        process.kill()
    await stripe_probe.clear_faults()
    await sellers.forget_keys()

    await serve_payments(payment_lease_seconds=1)

    charge = await wait_for_payout(idle, order_id, expected)
    (transfer,) = await sellers.transfers(order_id)
    assert charge.payout is not None
    assert (charge.payout.transfer_id, transfer.amount) == (transfer.id, charge.net)
    back = transfer.amount if expected is PayoutState.RECALLED else 0
    assert transfer.amount_reversed == back
    assert len(await stripe_probe.refunds(order_id)) == (1 if back else 0)


SUBMIT = "POST /v1/disputes/*"
EVIDENCE_KILLS: dict[str, tuple[str, dict[str, Any]]] = {
    "before the evidence": (SUBMIT, NOT_ARRIVED),
    "after the evidence": (SUBMIT, LOST),
}


@pytest.mark.parametrize("point", EVIDENCE_KILLS)
async def test_process_killed_during_evidence_submits_it_once(
    serve_payments: ServePayments,
    payments_environment: dict[str, Any],
    orders: FakeOrders,
    stripe_probe: StripeProbe,
    point: str,
) -> None:
    """Stripe forgets the idempotency keys before the next process continues."""
    call, fault = EVIDENCE_KILLS[point]
    sellers = SellerProbe(stripe_probe)
    idle = await serve_payments(payment_reconcile_seconds=NEVER, dispute_search_seconds=NEVER)
    seller = await make_seller(idle, sellers)
    order_id = await sell(idle, orders, seller, days=30)
    charge = await wait_for_status(idle, order_id, "succeeded")
    dispute_id = await sellers.dispute(charge)
    await stripe_probe.inject_fault(call, **fault)
    async with killable_service(payments_environment, payment_reconcile_seconds=0.1) as process:
        await stripe_probe.wait_until_used(fault)
        process.kill()
    assert (await wait_for_payout(idle, order_id, PayoutState.FROZEN)).evidence
    await stripe_probe.clear_faults()
    await sellers.forget_keys()

    await serve_payments(payment_lease_seconds=1, payout_retry_seconds=1)

    async def submitted() -> bool:
        (found,) = (await wait_for_payout(idle, order_id, PayoutState.FROZEN)).evidence
        return found.submitted_at is not None and found.refusals == 0

    await eventually(submitted)
    dispute = await stripe_probe.api.disputes.retrieve_async(dispute_id)
    assert dispute.evidence_details.submission_count == 1
    assert dispute.status == "under_review"


async def test_webhook_over_the_network_applies_success(
    payments_environment: dict[str, Any],
    orders: FakeOrders,
    stripe_probe: StripeProbe,
    published: EventProbe,
) -> None:
    buyer, port = make_user(), free_port()
    endpoint = await stripe_probe.api.webhook_endpoints.create_async(
        {"url": f"http://127.0.0.1:{port}/api/payments/webhook", "enabled_events": ["*"]}
    )
    secret = endpoint.secret
    async with killable_service(
        payments_environment, port, stripe_webhook_secret=secret
    ) as process:
        order_id = await orders.place(buyer)
        await stripe_probe.inject_fault(CONFIRM, **LOST)

        lost = await process.pay(buyer, order_id)

        assert lost.status_code in {201, 503}  # the webhook may arrive before the last retry
        assert (await published.next(PaymentCreated)).order_id == order_id
    await stripe_probe.api.webhook_endpoints.delete_async(endpoint.id)
