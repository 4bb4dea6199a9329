"""Tests of the HTTP routes: every status of every route."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from common.events import ChargeStatus, PaymentCreated, PaymentFailed, PaymentUpdated
from common.testing.client import API_HEADERS, Client, errors, make_user
from common.testing.clock import FakeClock
from common.testing.events import EventProbe
from common.testing.plugin import Serve
from common.values.clock import utc_now
from common.values.ids import new_id
from payments.app import create_app
from payments.settings import Settings
from payments.testing import (
    UNTIL_CLEARED,
    FakeOrders,
    StripeProbe,
    find_charge,
    pay,
    wait_for_status,
)

ServePayments = Callable[..., Awaitable[Client]]
DECLINED = "tok_chargeDeclined"
CONFIRM = "POST /v1/payment_intents/*/confirm"


async def get_payment(payments: Client, order_id: str) -> httpx.Response:
    return await payments.get("/api/payments", params={"orderId": order_id})


async def test_pay_returns_201_with_the_payment(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    order_id = await orders.place(payments.sign_in())

    response = await pay(payments, order_id)

    assert response.status_code == 201, response.text
    body = response.json()
    intent = await stripe_probe.intent(order_id)
    assert (
        body.items()
        >= {
            "orderId": order_id,
            "status": "succeeded",
            "amount": 19.99,
            "currency": "usd",
            "stripeId": intent.id,
            "card": {"brand": "visa", "last4": "4242"},
            "lastError": None,
            "version": 1,
        }.items()
    )
    assert (intent.amount_received, intent.metadata["chargeId"]) == (1999, body["id"])
    assert response.headers["etag"] == '"1"'


@pytest.mark.usefixtures("no_outbox_sweep")
async def test_pay_publishes_its_result_alone(
    payments: Client, orders: FakeOrders, published: EventProbe
) -> None:
    order_id = await orders.place(payments.sign_in())

    paid = (await pay(payments, order_id)).json()

    created = await published.next(PaymentCreated)
    assert await published.all(PaymentUpdated) == []
    assert (created.version, created.id, created.order_id) == (1, paid["id"], order_id)
    assert (created.amount, created.stripe_id) == (1999, paid["stripeId"])


@pytest.mark.parametrize("token", ["pm_card_visa", "tok_mastercard", "tok_amex"])
async def test_pay_accepts_tokens_and_payment_methods(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe, token: str
) -> None:
    order_id = await orders.place(payments.sign_in())

    response = await pay(payments, order_id, token)

    assert response.status_code == 201, response.text
    assert await stripe_probe.times_charged(order_id) == 1


async def test_pay_accepts_a_confirmation_token(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    order_id = await orders.place(payments.sign_in())

    response = await pay(payments, order_id, await stripe_probe.confirmation_token())

    assert response.status_code == 201, response.text
    assert await stripe_probe.times_charged(order_id) == 1


async def test_pay_again_returns_the_same_payment(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    order_id = await orders.place(payments.sign_in())
    first = await pay(payments, order_id)

    again = await pay(payments, order_id, "pm_card_mastercard")

    assert (again.status_code, again.json()) == (201, first.json())
    assert await stripe_probe.times_charged(order_id) == 1


async def test_twenty_clicks_on_two_replicas_charge_once(
    payments: Client,
    serve_payments: ServePayments,
    orders: FakeOrders,
    stripe_probe: StripeProbe,
    published: EventProbe,
) -> None:
    other = await serve_payments()
    buyer = payments.sign_in()
    other.sign_in(buyer)
    order_id = await orders.place(buyer)
    cards = ["tok_visa", "pm_card_mastercard", "tok_amex"]

    responses = await asyncio.gather(
        *(pay([payments, other][n % 2], order_id, cards[n % 3]) for n in range(20))
    )

    assert [response.status_code for response in responses] == [201] * 20
    assert len({response.content for response in responses}) == 1
    assert len(await stripe_probe.intents(order_id)) == 1
    assert await stripe_probe.times_charged(order_id) == 1
    await published.next(PaymentCreated)
    assert len(await published.all(PaymentCreated)) == 1


async def test_double_click_with_declined_card_is_one_attempt(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    order_id = await orders.place(payments.sign_in())
    await stripe_probe.inject_fault(CONFIRM, "delay", delay_ms=1500)

    first, second = await asyncio.gather(
        pay(payments, order_id, DECLINED), pay(payments, order_id, DECLINED)
    )

    assert (first.status_code, second.status_code) == (402, 402)
    assert first.json() == second.json()
    assert await stripe_probe.declines(order_id) == 1


@pytest.mark.parametrize(
    ("token", "code", "decline_code"),
    [
        ("tok_chargeDeclined", "card_declined", "generic_decline"),
        ("tok_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("tok_chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded"),
        ("tok_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("tok_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
        ("tok_chargeDeclinedProcessingError", "processing_error", "processing_error"),
        ("tok_threeDSecure2Required", "authentication_required", "authentication_required"),
    ],
)
async def test_declined_card_returns_402_with_the_reason(
    payments: Client,
    orders: FakeOrders,
    stripe_probe: StripeProbe,
    token: str,
    code: str,
    decline_code: str,
) -> None:
    order_id = await orders.place(payments.sign_in())

    response = await pay(payments, order_id, token)

    assert response.status_code == 402, response.text
    (error,) = errors(response)
    assert error["message"]
    assert (error["code"], error["declineCode"]) == (code, decline_code)
    documented = payments.app.openapi()["components"]["schemas"]["PaymentErrorItem"]["properties"]
    assert error.keys() <= documented.keys()
    assert error["retryable"] is True
    assert await stripe_probe.times_charged(order_id) == 0


async def test_pay_after_a_decline_with_another_card_succeeds(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe, published: EventProbe
) -> None:
    order_id = await orders.place(payments.sign_in())

    declined = await pay(payments, order_id, DECLINED)
    paid = await pay(payments, order_id)

    assert (declined.status_code, paid.status_code) == (402, 201)
    assert len(await stripe_probe.intents(order_id)) == 1
    assert (await stripe_probe.declines(order_id), await stripe_probe.times_charged(order_id)) == (
        1,
        1,
    )
    failed = await published.next(PaymentFailed)
    assert (failed.final, failed.reason) == (False, "generic_decline")
    assert paid.json()["lastError"] is None


async def test_pay_after_the_last_attempt_returns_400(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe, published: EventProbe
) -> None:
    order_id = await orders.place(payments.sign_in())

    responses = [await pay(payments, order_id, DECLINED) for _ in range(5)]
    further = await pay(payments, order_id)

    assert [response.status_code for response in responses] == [402] * 5
    assert [errors(response)[0]["retryable"] for response in responses] == [True] * 4 + [False]
    assert [errors(response)[0]["attemptsLeft"] for response in responses] == [4, 3, 2, 1, 0]
    assert further.status_code == 400
    assert errors(further)[0]["code"] == "attempts_used_up"
    assert await stripe_probe.times_charged(order_id) == 0
    await published.next(PaymentFailed, 5)
    assert [e.final for e in await published.all(PaymentFailed)] == [False] * 4 + [True]


async def test_first_decline_with_cancel_policy_is_final(
    serve_payments: ServePayments, orders: FakeOrders, published: EventProbe
) -> None:
    payments = await serve_payments(payment_failure_policy="cancel")
    order_id = await orders.place(payments.sign_in())

    declined = await pay(payments, order_id, DECLINED)
    further = await pay(payments, order_id)

    assert errors(declined)[0]["retryable"] is False
    assert (declined.status_code, further.status_code) == (402, 400)
    assert (await published.next(PaymentFailed)).final


async def test_pay_that_lasts_is_published_as_processing(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe, published: EventProbe
) -> None:
    order_id = await orders.place(payments.sign_in())
    await stripe_probe.inject_fault(CONFIRM, **UNTIL_CLEARED)

    paying = asyncio.create_task(pay(payments, order_id))
    begun = await published.next(PaymentUpdated)
    await stripe_probe.clear_faults()
    paid = (await paying).json()

    created = await published.next(PaymentCreated)
    assert (begun.version, begun.status) == (0, ChargeStatus.PROCESSING)
    assert created.id == begun.id == paid["id"]


@pytest.mark.usefixtures("no_outbox_sweep")
async def test_pay_requiring_authentication_returns_202(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe, published: EventProbe
) -> None:
    order_id = await orders.place(payments.sign_in())

    response = await pay(payments, order_id, "pm_card_authenticationRequired")

    assert response.status_code == 202
    body = response.json()
    assert set(body) == {"id", "status", "clientSecret"}
    assert body["status"] == "requires_action"
    assert await stripe_probe.times_charged(order_id) == 0
    assert (await published.next(PaymentUpdated)).status is ChargeStatus.REQUIRES_ACTION


@pytest.mark.parametrize("applied_by", ["GET", "POST"])
async def test_successful_authentication_is_applied_on_read(
    serve_payments: ServePayments, orders: FakeOrders, stripe_probe: StripeProbe, applied_by: str
) -> None:
    payments = await serve_payments(payment_reconcile_seconds=0)
    order_id = await orders.place(payments.sign_in())
    action = (await pay(payments, order_id, "pm_card_authenticationRequired")).json()
    await stripe_probe.authenticate(action["clientSecret"])

    if applied_by == "GET":
        response = await get_payment(payments, order_id)
    else:
        response = await pay(payments, order_id, "pm_card_authenticationRequired")

    assert response.status_code == (200 if applied_by == "GET" else 201)
    assert (response.json()["id"], response.json()["status"]) == (action["id"], "succeeded")
    assert await stripe_probe.times_charged(order_id) == 1


async def test_same_token_during_authentication_gets_the_same_202(
    payments: Client, orders: FakeOrders
) -> None:
    order_id = await orders.place(payments.sign_in())

    first = await pay(payments, order_id, "pm_card_authenticationRequired")
    again = await pay(payments, order_id, "pm_card_authenticationRequired")

    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()


async def test_failed_authentication_allows_another_card(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    order_id = await orders.place(payments.sign_in())
    action = (await pay(payments, order_id, "pm_card_authenticationRequired")).json()
    await stripe_probe.authenticate(action["clientSecret"], "failure")

    shown = (await get_payment(payments, order_id)).json()
    paid = await pay(payments, order_id)

    assert shown["status"] == "requires_payment_method"
    assert shown["lastError"]["code"] == "payment_intent_authentication_failure"
    assert shown["lastError"]["attemptsLeft"] == 5
    assert (paid.status_code, await stripe_probe.times_charged(order_id)) == (201, 1)


async def test_pay_during_authentication_with_another_card_succeeds(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    order_id = await orders.place(payments.sign_in())
    action = (await pay(payments, order_id, "pm_card_authenticationRequired")).json()

    paid = await pay(payments, order_id)
    late_authentication = await stripe_probe.authenticate(action["clientSecret"])

    assert paid.status_code == 201
    assert late_authentication.is_error
    assert await stripe_probe.times_charged(order_id) == 1


MALFORMED_PAYMENTS: tuple[tuple[dict[str, Any], str], ...] = (
    ({}, "token"),
    ({"token": "tok_visa"}, "orderId"),
    ({"orderId": new_id()}, "token"),
    ({"token": "", "orderId": new_id()}, "token"),
    ({"token": "nonsense", "orderId": new_id()}, "token"),
    ({"token": "tok_../refunds", "orderId": new_id()}, "token"),
    ({"token": "tok_" + "x" * 300, "orderId": new_id()}, "token"),
    ({"token": {"$gt": ""}, "orderId": new_id()}, "token"),
    ({"token": ["tok_visa"], "orderId": new_id()}, "token"),
    ({"token": None, "orderId": new_id()}, "token"),
    ({"token": "tok_visa", "orderId": "nonsense"}, "orderId"),
    ({"token": "tok_visa", "orderId": {"$ne": None}}, "orderId"),
    ({"token": "tok_visa", "orderId": 7}, "orderId"),
)


async def test_malformed_payment_returns_400_with_its_field(payments: Client) -> None:
    payments.sign_in()

    for body, field in MALFORMED_PAYMENTS:
        response = await payments.post("/api/payments", json=body)

        assert response.status_code == 400, body
        assert field in {error["field"] for error in errors(response)}


BODIES_WITHOUT_A_PAYMENT = (b"", b"{", b"[]", b"null", b'{"token": "\\ud800"}', b"\xff")


async def test_body_that_is_not_a_payment_returns_400(payments: Client) -> None:
    payments.sign_in()

    for content in BODIES_WITHOUT_A_PAYMENT:
        response = await payments.post("/api/payments", content=content)

        assert response.status_code == 400, content
        assert errors(response)


@pytest.mark.parametrize("token", ["tok_unknown", "pm_unknown", "ctoken_unknown"])
async def test_unknown_token_returns_400(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe, token: str
) -> None:
    order_id = await orders.place(payments.sign_in())

    response = await pay(payments, order_id, token)

    assert response.status_code == 400, response.text
    assert errors(response)[0]["field"] == "token"
    assert token not in response.text
    assert (await pay(payments, order_id)).status_code == 201
    assert await stripe_probe.times_charged(order_id) == 1


async def test_pay_without_session_returns_401_before_validation(payments: Client) -> None:
    response = await payments.post("/api/payments", content=b"{")

    assert response.status_code == 401
    assert errors(response) == [{"message": "Not authorized"}]


async def test_suspended_account_begins_no_payment(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    order_id = await orders.place(payments.sign_in(make_user(is_suspended=True)))

    response = await pay(payments, order_id)

    assert response.status_code == 403
    assert errors(response)[0]["message"].startswith("Your account is suspended")
    assert await stripe_probe.intents(order_id) == []


async def test_pay_waits_for_the_event_of_a_new_order(payments: Client, orders: FakeOrders) -> None:
    order_id = orders.place_unpublished(payments.sign_in())

    paying = asyncio.create_task(pay(payments, order_id))
    await orders.publish(order_id)

    assert (await paying).status_code == 201


async def test_pay_for_unknown_order_returns_404(payments: Client) -> None:
    payments.sign_in()

    response = await pay(payments, new_id())

    assert response.status_code == 404


async def test_pay_for_the_order_of_another_user_returns_401(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    order_id = await orders.place(make_user())
    payments.sign_in()

    response = await pay(payments, order_id)

    assert response.status_code == 401
    assert await stripe_probe.intents(order_id) == []


async def test_pay_for_cancelled_order_returns_400(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    order_id = await orders.place(payments.sign_in())
    await orders.cancel(order_id)

    response = await pay(payments, order_id)

    assert response.status_code == 400
    assert errors(response) == [{"message": "Cannot pay for a cancelled order"}]
    assert await stripe_probe.intents(order_id) == []


async def test_pay_for_expired_order_before_cancellation_returns_400(
    serve: Serve,
    payments_environment: dict[str, Any],
    orders: FakeOrders,
    stripe_probe: StripeProbe,
) -> None:
    clock = FakeClock(utc_now())
    payments = await serve(create_app(Settings(**payments_environment), clock))
    order_id = await orders.place(payments.sign_in(), seconds=60)
    clock.advance(seconds=90)

    response = await pay(payments, order_id)

    assert response.status_code == 400
    assert errors(response) == [{"message": "Cannot pay for an expired order"}]
    assert await stripe_probe.intents(order_id) == []


async def test_pay_for_refunded_order_returns_400(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    order_id = await orders.place(payments.sign_in())
    await pay(payments, order_id)
    await orders.cancel(order_id)
    await wait_for_status(payments, order_id, "refunded")

    response = await pay(payments, order_id)

    assert response.status_code == 400
    assert await stripe_probe.times_charged(order_id) == 1


async def test_pay_during_a_slow_attempt_returns_409(
    serve_payments: ServePayments,
    orders: FakeOrders,
    stripe_probe: StripeProbe,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("payments.sync.ATTEMPT_WAIT_SECONDS", 0.2)
    payments = await serve_payments(payment_lease_seconds=30)
    order_id = await orders.place(payments.sign_in())
    await stripe_probe.inject_fault(CONFIRM, **UNTIL_CLEARED)

    first = asyncio.create_task(pay(payments, order_id))
    await wait_for_status(payments, order_id, "processing")
    second = await pay(payments, order_id)
    await stripe_probe.clear_faults()

    assert second.status_code == 409
    assert second.headers["retry-after"] == "2"
    assert (await first).status_code == 201
    assert await stripe_probe.times_charged(order_id) == 1


async def test_lost_confirm_response_is_retried(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    order_id = await orders.place(payments.sign_in())
    await stripe_probe.inject_fault(CONFIRM, "drop_after")

    response = await pay(payments, order_id)

    assert response.status_code == 201
    assert await stripe_probe.times_charged(order_id) == 1


async def test_unknown_outcome_returns_503_and_publishes_no_failure(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe, published: EventProbe
) -> None:
    order_id = await orders.place(payments.sign_in())
    await stripe_probe.inject_fault(CONFIRM, "drop_after", times=3)

    response = await pay(payments, order_id)

    assert response.status_code == 503
    assert response.headers["retry-after"] == "3"
    assert (await wait_for_status(payments, order_id, "succeeded")).version == 2
    assert (await pay(payments, order_id)).status_code == 201
    assert await stripe_probe.times_charged(order_id) == 1
    await published.next(PaymentCreated)
    assert await published.all(PaymentFailed) == []


async def test_confirm_that_never_reached_stripe_is_not_a_decline(
    serve_payments: ServePayments,
    orders: FakeOrders,
    stripe_probe: StripeProbe,
    published: EventProbe,
) -> None:
    payments = await serve_payments(payment_attempts=1)
    order_id = await orders.place(payments.sign_in())
    await stripe_probe.inject_fault(CONFIRM, "drop_before", times=3)

    response = await pay(payments, order_id)

    assert response.status_code == 503
    await wait_for_status(payments, order_id, "requires_payment_method")
    assert [event.final for event in [await published.next(PaymentFailed)]] == [False]


@pytest.mark.parametrize("call", ["POST /v1/payment_intents", "POST /v1/payment_methods"])
async def test_pay_while_stripe_is_unavailable_returns_503(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe, call: str
) -> None:
    order_id = await orders.place(payments.sign_in())
    await stripe_probe.inject_fault(call, "drop_before", times=3)

    unavailable = await pay(payments, order_id)
    recovered = await pay(payments, order_id)

    assert (unavailable.status_code, recovered.status_code) == (503, 201)
    assert await stripe_probe.times_charged(order_id) == 1


@pytest.mark.parametrize(
    "call",
    [
        "POST /v1/payment_intents",
        "POST /v1/payment_methods",
        "GET /v1/payment_methods/*",
        "GET /v1/confirmation_tokens/*",
    ],
)
@pytest.mark.parametrize("status", [401, 403])
async def test_permanent_refusal_returns_503_without_retry_after(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe, call: str, status: int
) -> None:
    order_id = await orders.place(payments.sign_in())
    token = "pm_card_visa" if call.startswith("GET /v1/payment_methods") else "tok_visa"
    if "confirmation" in call:
        token = await stripe_probe.confirmation_token()
    await stripe_probe.inject_fault(call, "status", status=status)

    refused = await pay(payments, order_id, token)
    found = await get_payment(payments, order_id)
    repeated = await pay(payments, order_id)

    assert refused.status_code == 503
    assert "retry-after" not in refused.headers
    assert errors(refused) == [
        {
            "message": "Card payments are unavailable. This attempt was not charged.",
            "code": "payments_unavailable",
        }
    ]
    was_started = call != "POST /v1/payment_intents"
    assert found.status_code == (200 if was_started else 404)
    if was_started:
        assert found.json()["status"] == "requires_payment_method"
        assert found.json()["lastError"] is None
    assert (repeated.status_code, await stripe_probe.times_charged(order_id)) == (201, 1)


async def test_amount_that_stripe_refuses_returns_503(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    order_id = await orders.place(payments.sign_in(), price=49)

    response = await pay(payments, order_id)

    assert response.status_code == 503
    assert errors(response)[0]["code"] == "payments_unavailable"
    assert await stripe_probe.intents(order_id) == []


async def test_refused_attempts_use_up_no_limit(
    serve_payments: ServePayments, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    payments = await serve_payments(payment_attempts=1, declines_per_account=1)
    buyer = payments.sign_in()
    first, second = await orders.place(buyer), await orders.place(buyer)
    await stripe_probe.inject_fault("POST /v1/payment_methods", "status", status=403)
    await pay(payments, first)
    await stripe_probe.inject_fault("POST /v1/payment_intents", "status", status=401)
    await pay(payments, second)

    declined = await pay(payments, first, "tok_chargeDeclined")

    assert declined.status_code == 402


async def test_refused_confirm_leaves_the_outcome_unknown(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    order_id = await orders.place(payments.sign_in())
    await stripe_probe.inject_fault(CONFIRM, "status", status=401)

    response = await pay(payments, order_id)

    assert response.status_code == 503
    assert response.headers["retry-after"] == "3"


async def test_stored_5xx_of_stripe_does_not_block_an_order(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    order_id = await orders.place(payments.sign_in())
    await stripe_probe.inject_fault("POST /v1/payment_intents", "status", status=500, stored=True)

    response = await pay(payments, order_id)

    assert response.status_code == 201
    assert await stripe_probe.times_charged(order_id) == 1


async def test_same_idempotency_key_returns_the_first_response(
    payments: Client, orders: FakeOrders
) -> None:
    order_id = await orders.place(payments.sign_in())
    body = {"token": "tok_visa", "orderId": order_id}
    headers = {"Idempotency-Key": "once"}

    first = await payments.post("/api/payments", json=body, headers=headers)
    again = await payments.post("/api/payments", json=body, headers=headers)

    assert (again.status_code, again.content) == (201, first.content)


async def test_202_is_not_stored_under_the_idempotency_key(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    """A stored response would put its client secret into the database."""
    order_id = await orders.place(payments.sign_in())
    body = {"token": "pm_card_authenticationRequired", "orderId": order_id}
    headers = {"Idempotency-Key": "action"}

    action = await payments.post("/api/payments", json=body, headers=headers)
    await stripe_probe.authenticate(action.json()["clientSecret"])
    again = await payments.post("/api/payments", json=body, headers=headers)

    assert (action.status_code, again.status_code) == (202, 201)


async def test_get_payment_returns_the_payment(payments: Client, orders: FakeOrders) -> None:
    order_id = await orders.place(payments.sign_in())
    paid = (await pay(payments, order_id)).json()

    response = await get_payment(payments, order_id)

    assert (response.status_code, response.json()) == (200, paid)
    known = await payments.get(
        "/api/payments", params={"orderId": order_id}, headers={"If-None-Match": '"1"'}
    )
    assert known.status_code == 304


async def test_get_payment_returns_the_last_decline(payments: Client, orders: FakeOrders) -> None:
    order_id = await orders.place(payments.sign_in())
    await pay(payments, order_id, DECLINED)

    body = (await get_payment(payments, order_id)).json()

    assert body["status"] == "requires_payment_method"
    assert body["lastError"] == {
        "message": "Your card was declined.",
        "code": "card_declined",
        "declineCode": "generic_decline",
        "retryable": True,
        "attemptsLeft": 4,
    }


async def test_get_payment_of_another_user_returns_401(
    payments: Client, orders: FakeOrders
) -> None:
    order_id = await orders.place(payments.sign_in())
    await pay(payments, order_id)
    payments.sign_in()

    other_user = await get_payment(payments, order_id)
    payments.sign_out()
    anonymous = await get_payment(payments, order_id)

    assert (other_user.status_code, anonymous.status_code) == (401, 401)


async def test_get_payment_of_another_user_is_401_before_an_attempt_too(
    payments: Client, orders: FakeOrders
) -> None:
    buyer = payments.sign_in()
    tried, untried = await orders.place(buyer), await orders.place(buyer)
    await pay(payments, tried, DECLINED)
    payments.sign_in()

    responses = [await get_payment(payments, order_id) for order_id in (tried, untried)]

    assert [response.status_code for response in responses] == [401, 401]
    assert responses[0].json() == responses[1].json()


async def test_get_payment_before_an_attempt_returns_404(
    payments: Client, orders: FakeOrders
) -> None:
    order_id = await orders.place(payments.sign_in())

    assert (await get_payment(payments, order_id)).status_code == 404
    assert (await get_payment(payments, new_id())).status_code == 404
    assert (await get_payment(payments, "nonsense")).status_code == 400
    assert (await payments.get("/api/payments")).status_code == 400


async def test_get_payment_works_while_stripe_is_unavailable(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    order_id = await orders.place(payments.sign_in())
    await pay(payments, order_id, "pm_card_authenticationRequired")
    await stripe_probe.inject_fault("GET /v1/payment_intents/*", "status", status=500, times=20)

    response = await get_payment(payments, order_id)

    assert (response.status_code, response.json()["status"]) == (200, "requires_action")


async def test_config_returns_the_card_form_settings(
    serve_payments: ServePayments, stripe_url: str
) -> None:
    plain = await serve_payments()
    local = await serve_payments(
        stripe_publishable_key="pk_test_1", stripe_js_url=f"{stripe_url}/v3/"
    )

    assert (await plain.get("/api/payments/config")).json() == {
        "publishableKey": None,
        "stripeJsUrl": None,
        "marginSeconds": 5,
        "feeBasisPoints": 0,
    }
    assert (await local.get("/api/payments/config")).json() == {
        "publishableKey": "pk_test_1",
        "stripeJsUrl": f"{stripe_url}/v3/",
        "marginSeconds": 5,
        "feeBasisPoints": 0,
    }


async def test_logs_and_database_contain_no_token_or_client_secret(
    serve_payments: ServePayments,
    orders: FakeOrders,
    stripe_probe: StripeProbe,
    published: EventProbe,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    payments = await serve_payments(log_level="DEBUG")
    buyer = payments.sign_in()
    headers = {"Idempotency-Key": "kept"}
    secrets = ["tok_never_seen_before", "ctoken_never_seen_before"]
    for token in ["tok_visa", "pm_card_authenticationRequired", DECLINED, *secrets]:
        order_id = await orders.place(buyer)
        response = await payments.post(
            "/api/payments", json={"token": token, "orderId": order_id}, headers=headers
        )
        headers = {}
        secrets.append(response.json().get("clientSecret", token))
    await stripe_probe.inject_fault(CONFIRM, "drop_after", times=3)
    await pay(payments, await orders.place(buyer), "pm_card_mastercard")

    database = payments.app.state.service.running.database
    documents = [
        str(doc)
        for name in await database.list_collection_names()
        for doc in await database[name].find({}).to_list()
    ]
    events = [event.model_dump_json() for event in await published.all(PaymentUpdated)]
    written = "\n".join([*documents, *events, caplog.text, *capfd.readouterr()])
    assert "processing" in written
    assert not [secret for secret in {*secrets, "pm_card_mastercard"} if secret in written]


@pytest.mark.parametrize(
    "settings",
    [
        {"STRIPE_API_BASE": "http://127.0.0.1:1"},
        {"STRIPE_JS_URL": "http://127.0.0.1:1/v3/"},
    ],
)
@pytest.mark.parametrize("key", ["sk_live_12345678", "rk_live_12345678"])
def test_live_key_with_another_server_is_rejected(
    payments_environment: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, str],
    key: str,
) -> None:
    plain = {**payments_environment, "stripe_api_base": "", "stripe_key": key}
    for name, value in {**plain, **settings}.items():
        monkeypatch.setenv(name.upper(), str(value))

    with pytest.raises(SystemExit, match="live key") as refused:
        create_app()

    assert key not in str(refused.value)


@pytest.mark.parametrize("key", ["sk_live_12345678", "rk_live_12345678"])
def test_live_key_without_an_explicit_fee_is_rejected(
    payments_environment: dict[str, Any], monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    for name, value in {**payments_environment, "stripe_key": key}.items():
        monkeypatch.setenv(name.upper(), str(value))
    monkeypatch.setenv("STRIPE_API_BASE", "")

    with pytest.raises(SystemExit, match="PLATFORM_FEE_BASIS_POINTS must be set") as refused:
        create_app()
    monkeypatch.setenv("PLATFORM_FEE_BASIS_POINTS", "0")
    create_app()

    assert key not in str(refused.value)


async def test_snapshot_events_yields_the_current_state(
    payments: Client, orders: FakeOrders
) -> None:
    order_id = await orders.place(payments.sign_in())
    await pay(payments, order_id)

    messages = [message async for message in payments.app.state.service.snapshot_events()]

    (message,) = messages
    charge = await find_charge(payments, order_id)
    assert charge is not None
    assert (message.subject, message.aggregate_id) == ("payment.created", charge.id)
    assert json.loads(message.data)["version"] == charge.version
    assert utc_now() - message.occurred_at < timedelta(minutes=1)


async def test_responses_have_the_security_headers_and_secrets_are_not_stored(
    payments: Client, orders: FakeOrders
) -> None:
    order_id = await orders.place(payments.sign_in())
    action = await pay(payments, order_id, "pm_card_authenticationRequired")
    payment = await get_payment(payments, order_id)
    missing = await get_payment(payments, new_id())
    config = await payments.get("/api/payments/config")

    assert action.json()["clientSecret"]
    assert action.headers["cache-control"] == "no-store"
    assert payment.headers["cache-control"] == "private, no-cache"
    assert missing.headers["cache-control"] == "private, no-cache"
    assert "cache-control" not in config.headers
    for response in (action, payment, missing, config):
        assert response.headers.items() >= API_HEADERS.items()
