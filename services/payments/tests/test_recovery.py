"""A process is killed while money is on its way; others put it right, with webhooks or without."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest

from common.auth.tokens import User
from common.events import PaymentCreated
from common.testing.client import Client, make_user, session_cookie
from common.testing.events import EventProbe
from common.testing.polling import eventually
from payments.testing import (
    PROCESSES,
    VISA,
    FakeOrders,
    StripeProbe,
    deliver_webhook,
    pay,
    serve_forever,
    wait_for_status,
)
from ticketing_local.testing.free_ports import free_port

ServePayments = Callable[..., Awaitable[Client]]
NEVER = 0
CREATE = "POST /v1/payment_intents"
CONFIRM = "POST /v1/payment_intents/*/confirm"
REFUND = "POST /v1/refunds"
LOST: dict[str, Any] = {"action": "drop_after", "times": 3}
NOT_ARRIVED: dict[str, Any] = {"action": "drop_before", "times": 3}


class KillableService:
    """A payments service in a process of its own, to be killed."""

    def __init__(self, environment: dict[str, Any], port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.process = PROCESSES.Process(target=serve_forever, args=(environment, port))
        self.process.start()

    async def ready(self) -> bool:
        assert self.process.is_alive()
        try:
            async with httpx.AsyncClient() as client:
                return (await client.get(f"{self.url}/readyz")).is_success
        except httpx.TransportError:
            return False

    async def pay(self, buyer: User, order_id: str) -> httpx.Response:
        cookies = {"session": session_cookie(buyer)}
        async with httpx.AsyncClient(cookies=cookies, timeout=20) as client:
            body = {"token": VISA, "orderId": order_id}
            return await client.post(f"{self.url}/api/payments", json=body)

    def kill(self) -> None:
        self.process.kill()
        self.process.join()


@asynccontextmanager
async def killable_service(
    environment: dict[str, Any], port: int | None = None, **settings: Any
) -> AsyncGenerator[KillableService]:
    short = {"payment_lease_seconds": 1, "payment_reconcile_seconds": NEVER}
    started = KillableService({**environment, **short, **settings}, port or free_port())
    try:
        await eventually(started.ready, 30)
        yield started
    finally:
        started.kill()


async def killed_while_paying(
    environment: dict[str, Any],
    orders: FakeOrders,
    stripe_probe: StripeProbe,
    *,
    call: str,
    fate: dict[str, Any],
    reached: Callable[[str], Awaitable[bool]],
) -> tuple[User, str]:
    """Kill a process while it pays, at the moment that a call to Stripe has met its fate."""
    buyer = make_user()
    async with killable_service(environment) as process:
        order_id = await orders.place(buyer)
        await stripe_probe.inject_fault(call, **fate)
        paying = asyncio.create_task(process.pay(buyer, order_id))

        async def there() -> bool:
            return await reached(order_id)

        await eventually(there)
        process.kill()
        with suppress(httpx.TransportError):
            await paying
    await stripe_probe.clear_faults()
    return buyer, order_id


async def pay_until_answered(payments: Client, order_id: str) -> httpx.Response:
    """What a buyer does who was told nothing."""

    async def answered() -> httpx.Response | None:
        response = await pay(payments, order_id)
        return None if response.status_code in {409, 503} else response

    response = await eventually(answered, 30)
    assert response is not None
    return response


@pytest.mark.parametrize("point", ["intent made", "confirm on its way", "money taken"])
@pytest.mark.parametrize("healer", ["reconciler", "webhooks"])
async def test_a_process_killed_while_paying_costs_the_buyer_nothing_twice(
    serve_payments: ServePayments,
    payments_environment: dict[str, Any],
    orders: FakeOrders,
    stripe_probe: StripeProbe,
    published: EventProbe,
    point: str,
    healer: str,
) -> None:
    async def made(order_id: str) -> bool:
        return bool(await stripe_probe.intents(order_id))

    async def on_its_way(order_id: str) -> bool:
        return bool(await stripe_probe.intents(order_id)) and not await stripe_probe.is_armed(
            NOT_ARRIVED
        )

    async def taken(order_id: str) -> bool:
        return await stripe_probe.times_charged(order_id) == 1

    call, fate, reached = {
        "intent made": (CREATE, LOST, made),
        "confirm on its way": (CONFIRM, NOT_ARRIVED, on_its_way),
        "money taken": (CONFIRM, LOST, taken),
    }[point]
    buyer, order_id = await killed_while_paying(
        payments_environment, orders, stripe_probe, call=call, fate=fate, reached=reached
    )

    every = 0.1 if healer == "reconciler" else NEVER
    payments = await serve_payments(payment_lease_seconds=1, payment_reconcile_seconds=every)
    payments.sign_in(buyer)
    if healer == "webhooks":
        for event in await stripe_probe.events((await stripe_probe.intent(order_id)).id):
            assert (await deliver_webhook(payments, event)).status_code == 200
    if point == "money taken":
        await wait_for_status(payments, order_id, "succeeded")

    assert (await pay_until_answered(payments, order_id)).status_code == 201
    assert len(await stripe_probe.intents(order_id)) == 1
    assert await stripe_probe.times_charged(order_id) == 1
    await published.next(PaymentCreated)
    assert len(await published.all(PaymentCreated)) == 1


@pytest.mark.parametrize("healer", ["reconciler", "webhooks"])
async def test_money_taken_by_a_killed_process_for_an_order_that_then_expired_goes_back(
    serve_payments: ServePayments,
    payments_environment: dict[str, Any],
    orders: FakeOrders,
    stripe_probe: StripeProbe,
    published: EventProbe,
    healer: str,
) -> None:
    async def taken(order_id: str) -> bool:
        return await stripe_probe.times_charged(order_id) == 1

    _, order_id = await killed_while_paying(
        payments_environment, orders, stripe_probe, call=CONFIRM, fate=LOST, reached=taken
    )
    every = 0.1 if healer == "reconciler" else NEVER
    payments = await serve_payments(payment_lease_seconds=60, payment_reconcile_seconds=every)

    await orders.cancel(order_id)
    if healer == "webhooks":
        for event in await stripe_probe.events((await stripe_probe.intent(order_id)).id):
            await deliver_webhook(payments, event)

    charge = await wait_for_status(payments, order_id, "refunded")
    assert [refund.id for refund in await stripe_probe.refunds(order_id)] == [
        charge.stripe_refund_id
    ]
    assert await published.all(PaymentCreated) == []


@pytest.mark.parametrize("fate", [NOT_ARRIVED, LOST], ids=["on its way", "given back"])
async def test_a_process_killed_while_giving_back_gives_back_once(
    serve_payments: ServePayments,
    payments_environment: dict[str, Any],
    orders: FakeOrders,
    stripe_probe: StripeProbe,
    fate: dict[str, Any],
) -> None:
    buyer = make_user()
    async with killable_service(payments_environment, payment_reconcile_seconds=0.1) as process:
        order_id = await orders.place(buyer)
        assert (await process.pay(buyer, order_id)).status_code == 201
        await stripe_probe.inject_fault(REFUND, **fate)
        await orders.cancel(order_id)

        async def reached() -> bool:
            return not await stripe_probe.is_armed(fate)

        await eventually(reached)
        process.kill()
    await stripe_probe.clear_faults()

    payments = await serve_payments(payment_lease_seconds=1)

    charge = await wait_for_status(payments, order_id, "refunded")
    assert [refund.id for refund in await stripe_probe.refunds(order_id)] == [
        charge.stripe_refund_id
    ]


async def test_stripe_s_own_webhooks_bring_the_news_over_the_network(
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

        assert lost.status_code in {201, 503}  # the news may come before the last retry
        assert (await published.next(PaymentCreated)).order_id == order_id
    await stripe_probe.api.webhook_endpoints.delete_async(endpoint.id)
