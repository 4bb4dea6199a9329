"""Tests of the limits on declined payments: per account, card and address, over all orders."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import AutoReconnect

from common.testing.client import Client, errors, make_user
from common.testing.clock import FakeClock
from common.testing.plugin import Serve
from common.testing.polling import eventually
from common.values.clock import utc_now
from payments.app import create_app
from payments.settings import Settings
from payments.testing import VISA, FakeOrders, StripeProbe, find_charge, pay, wait_for_status

ServePayments = Callable[..., Awaitable[Client]]
DECLINED = "tok_chargeDeclined"
POOR = "tok_chargeDeclinedInsufficientFunds"
WRONG_CVC = "tok_chargeDeclinedIncorrectCvc"
CONFIRM = "POST /v1/payment_intents/*/confirm"
HOUR_SECONDS = 3600


async def pay_new_order(payments: Client, orders: FakeOrders, token: str) -> httpx.Response:
    """Pay for a new order of another user each time."""
    return await pay(payments, await orders.place(payments.sign_in()), token)


async def pay_from(payments: Client, orders: FakeOrders, address: str) -> httpx.Response:
    """Send a declined payment of a new user through our proxy, from this address."""
    order_id = await orders.place(payments.sign_in())
    body = {"token": DECLINED, "orderId": order_id}
    headers = {"X-Forwarded-For": f"198.51.100.7, {address}"}
    return await payments.post("/api/payments", json=body, headers=headers)


def assert_throttled(response: httpx.Response, code: str = "too_many_declines") -> None:
    assert response.status_code == 429, response.text
    assert [error["code"] for error in errors(response)] == [code]
    assert 0 < int(response.headers["retry-after"]) <= 24 * HOUR_SECONDS


async def test_account_with_ten_declines_is_throttled_before_stripe_is_asked(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    buyer = payments.sign_in()
    placed = [await orders.place(buyer) for _ in range(3)]

    declined = [
        await pay(payments, order_id, token)
        for order_id in placed[:2]
        for token in (DECLINED, POOR, DECLINED, POOR, DECLINED)
    ]
    throttled = await pay(payments, placed[2], VISA)

    assert {response.status_code for response in declined} == {402}
    assert_throttled(throttled)
    assert int(throttled.headers["retry-after"]) <= HOUR_SECONDS
    assert await stripe_probe.intents(placed[2]) == []
    assert await find_charge(payments, placed[2]) is None
    assert (await pay_new_order(payments, orders, VISA)).status_code == 201


async def test_throttled_account_can_pay_after_an_hour(
    serve: Serve, payments_environment: dict[str, Any], orders: FakeOrders
) -> None:
    clock = FakeClock(utc_now())
    settings = Settings(**payments_environment, declines_per_account=2)
    payments = await serve(create_app(settings, clock))
    payments.clock = clock
    buyer = payments.sign_in()
    order_id = await orders.place(buyer, seconds=3 * HOUR_SECONDS)
    await pay(payments, order_id, DECLINED)
    clock.advance(minutes=20)
    payments.sign_in(buyer)
    await pay(payments, order_id, DECLINED)

    clock.advance(minutes=39)
    payments.sign_in(buyer)
    early = await pay(payments, order_id)
    clock.advance(minutes=2)
    again, late = await pay(payments, order_id, POOR), await pay(payments, order_id)

    assert_throttled(early)
    assert int(early.headers["retry-after"]) == 60
    assert again.status_code == 402
    assert_throttled(late)  # of the two newest declines, the older one is 41 minutes old
    assert int(late.headers["retry-after"]) == 20 * 60 - 60


async def test_concurrent_declines_at_two_replicas_do_not_exceed_the_limit(
    serve_payments: ServePayments, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    replicas = [await serve_payments(declines_per_account=3) for _ in range(2)]
    buyer = replicas[1].sign_in(replicas[0].sign_in())
    placed = [await orders.place(buyer) for _ in range(12)]

    responses = await asyncio.gather(
        *(pay(replicas[n % 2], order_id, DECLINED) for n, order_id in enumerate(placed))
    )

    assert sorted(response.status_code for response in responses) == [402] * 3 + [429] * 9
    assert sum([await stripe_probe.declines(order_id) for order_id in placed]) == 3


async def test_successful_payments_do_not_count(
    serve_payments: ServePayments, orders: FakeOrders
) -> None:
    payments = await serve_payments(
        declines_per_account=1, declines_per_card=1, declines_per_address=1
    )
    buyer = payments.sign_in()

    paid = [await pay(payments, await orders.place(buyer), VISA) for _ in range(3)]
    last = await orders.place(buyer)
    declined, throttled = [await pay(payments, last, DECLINED) for _ in range(2)]

    assert [response.status_code for response in paid] == [201] * 3
    assert declined.status_code == 402
    assert_throttled(throttled)


async def test_payment_succeeds_although_its_release_meets_a_failover(
    serve_payments: ServePayments, orders: FakeOrders, monkeypatch: pytest.MonkeyPatch
) -> None:
    payments = await serve_payments(declines_per_account=1)
    buyer = payments.sign_in()
    delete_many, failures = AsyncCollection[Any].delete_many, [AutoReconnect("connection closed")]

    async def fail_once(collection: AsyncCollection[Any], *args: Any, **named: Any) -> Any:
        if failures and collection.name == "counted_attempts":
            raise failures.pop()
        return await delete_many(collection, *args, **named)

    monkeypatch.setattr(AsyncCollection, "delete_many", fail_once)
    paid = [await pay(payments, await orders.place(buyer), VISA) for _ in range(2)]

    assert [response.status_code for response in paid] == [201, 201]
    assert failures == []


async def test_authenticated_payment_does_not_count(
    serve_payments: ServePayments, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    payments = await serve_payments(declines_per_account=1)
    buyer = payments.sign_in()
    order_id, next_order = await orders.place(buyer), await orders.place(buyer)
    action = await pay(payments, order_id, "pm_card_authenticationRequired")

    waiting = await pay(payments, next_order)
    await stripe_probe.authenticate(action.json()["clientSecret"])
    await wait_for_status(payments, order_id, "succeeded")

    async def is_paid() -> bool:
        return (await pay(payments, next_order)).status_code == 201

    assert_throttled(waiting)
    await eventually(is_paid)


async def test_challenge_does_not_count_for_the_address(
    serve_payments: ServePayments, orders: FakeOrders
) -> None:
    payments = await serve_payments(declines_per_address=1)
    await pay_new_order(payments, orders, "pm_card_authenticationRequired")

    assert (await pay_new_order(payments, orders, VISA)).status_code == 201


async def test_failed_authentications_count_for_the_account(
    serve_payments: ServePayments, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    """They do not use up the order's attempts, but each shows that a card is alive."""
    payments = await serve_payments(declines_per_account=2, payment_attempts=1)
    order_id = await orders.place(payments.sign_in())
    for _ in range(2):
        action = await pay(payments, order_id, "pm_card_authenticationRequired")
        await stripe_probe.authenticate(action.json()["clientSecret"], "failure")
        await wait_for_status(payments, order_id, "requires_payment_method")

    assert_throttled(await pay(payments, order_id, "pm_card_authenticationRequired"))


async def test_buyer_who_mistypes_three_times_pays(payments: Client, orders: FakeOrders) -> None:
    order_id = await orders.place(payments.sign_in())

    mistyped = [await pay(payments, order_id, WRONG_CVC) for _ in range(3)]
    paid = await pay(payments, order_id)

    assert [response.status_code for response in mistyped] == [402] * 3
    assert paid.status_code == 201


async def test_attempts_that_stripe_does_not_answer_count_once(
    serve_payments: ServePayments, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    payments = await serve_payments(declines_per_account=1)
    order_id = await orders.place(payments.sign_in())
    token = await stripe_probe.confirmation_token()
    await stripe_probe.inject_fault(CONFIRM, "status", status=500, times=9)
    for _ in range(3):
        assert (await pay(payments, order_id, token)).status_code == 503
        await wait_for_status(payments, order_id, "requires_payment_method")
    await stripe_probe.clear_faults()

    assert (await pay(payments, order_id, token)).status_code == 201


async def test_success_also_releases_the_card_that_stripe_did_not_answer_about(
    serve_payments: ServePayments, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    payments = await serve_payments(declines_per_card=1)
    order_id = await orders.place(payments.sign_in())
    await stripe_probe.inject_fault(CONFIRM, "status", status=500, times=9)
    unanswered = await pay(payments, order_id, "pm_card_mastercard")
    await wait_for_status(payments, order_id, "requires_payment_method")
    await stripe_probe.clear_faults()

    paid = await pay(payments, order_id, VISA)

    assert (unanswered.status_code, paid.status_code) == (503, 201)
    assert (await pay_new_order(payments, orders, "pm_card_mastercard")).status_code == 201


@pytest.mark.parametrize("kind", ["tok", "pm", "ctoken"])
async def test_card_with_too_many_declines_is_throttled_for_every_account(
    serve_payments: ServePayments, orders: FakeOrders, stripe_probe: StripeProbe, kind: str
) -> None:
    payments = await serve_payments(declines_per_card=2, declines_per_account=3)
    for _ in range(2):
        assert (await pay_new_order(payments, orders, DECLINED)).status_code == 402
    token = {
        "tok": DECLINED,
        "pm": "pm_card_chargeDeclined",
        "ctoken": await stripe_probe.confirmation_token("pm_card_chargeDeclined"),
    }[kind]
    order_id = await orders.place(payments.sign_in())

    throttled = await pay(payments, order_id, token)

    assert_throttled(throttled, "card_limit_reached")
    assert await stripe_probe.declines(order_id) == 0
    # Stripe was not asked, so the account could still have three declines.
    others = [await pay(payments, order_id, token) for token in (POOR, WRONG_CVC, VISA)]
    assert [response.status_code for response in others] == [402, 402, 201]


async def test_concurrent_declines_of_one_card_do_not_exceed_the_limit(
    serve_payments: ServePayments, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    payments = await serve_payments(declines_per_card=3)
    placed: list[str] = []

    async def pay_as(user_order: str, session: str) -> int:
        body = {"token": DECLINED, "orderId": user_order}
        headers = {"Cookie": f"session={session}"}
        return (await payments.post("/api/payments", json=body, headers=headers)).status_code

    sessions: list[str] = []
    for _ in range(8):
        placed.append(await orders.place(payments.sign_in()))
        sessions.append(str(payments.cookies.get("session")))
    payments.sign_out()
    statuses = await asyncio.gather(*map(pay_as, placed, sessions))

    assert sorted(statuses) == [402] * 3 + [429] * 5
    assert sum([await stripe_probe.declines(order_id) for order_id in placed]) == 3


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        ("203.0.113.9", "203.0.113.9", 429),
        ("203.0.113.9", "203.0.113.10", 402),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", 429),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", 402),
    ],
)
async def test_declines_from_one_network_are_limited(
    serve_payments: ServePayments, orders: FakeOrders, first: str, second: str, status: int
) -> None:
    payments = await serve_payments(declines_per_address=1)
    await pay_from(payments, orders, first)

    assert (await pay_from(payments, orders, second)).status_code == status


async def test_double_click_with_a_throttled_card_gets_the_same_answer(
    serve_payments: ServePayments, orders: FakeOrders
) -> None:
    payments = await serve_payments(declines_per_card=1)
    await pay_new_order(payments, orders, DECLINED)
    order_id = await orders.place(payments.sign_in())

    one, other = await asyncio.gather(*(pay(payments, order_id, DECLINED) for _ in range(2)))

    assert (one.status_code, other.status_code) == (429, 429)
    assert one.json() == other.json()


async def test_settings_default_to_ten_ten_and_sixty(payments_environment: dict[str, Any]) -> None:
    settings = Settings(**payments_environment)

    assert (settings.declines_per_account, settings.declines_per_card) == (10, 10)
    assert settings.declines_per_address == 60


async def test_users_without_declines_share_nothing(
    serve_payments: ServePayments, orders: FakeOrders
) -> None:
    payments = await serve_payments(declines_per_account=1)
    await pay_new_order(payments, orders, DECLINED)

    other = make_user()
    payments.sign_in(other)

    assert (await pay(payments, await orders.place(other), POOR)).status_code == 402
