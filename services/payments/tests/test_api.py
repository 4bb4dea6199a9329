"""Payments over HTTP: every route with every status that it can answer."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from common.events import ChargeStatus, PaymentCreated, PaymentFailed, PaymentUpdated
from common.testing.client import Client, errors, make_user
from common.testing.clock import FakeClock
from common.testing.events import EventProbe
from common.testing.plugin import Serve
from common.values.clock import utc_now
from common.values.ids import new_id
from payments.app import create_app
from payments.settings import Settings
from payments.testing import FakeOrders, StripeProbe, find_charge, pay, wait_for_status

ServePayments = Callable[..., Awaitable[Client]]
DECLINED = "tok_chargeDeclined"
CONFIRM = "POST /v1/payment_intents/*/confirm"


async def get_payment(payments: Client, order_id: str) -> httpx.Response:
    return await payments.get("/api/payments", params={"orderId": order_id})


async def test_paying_answers_201_with_the_payment(
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


async def test_a_payment_is_published(
    payments: Client, orders: FakeOrders, published: EventProbe
) -> None:
    order_id = await orders.place(payments.sign_in())

    paid = (await pay(payments, order_id)).json()

    begun = await published.next(PaymentUpdated)
    created = await published.next(PaymentCreated)
    assert (begun.version, begun.status) == (0, ChargeStatus.PROCESSING)
    assert (created.version, created.id, created.order_id) == (1, paid["id"], order_id)
    assert (created.amount, created.stripe_id) == (1999, paid["stripeId"])


@pytest.mark.parametrize("token", ["pm_card_visa", "tok_mastercard", "tok_amex"])
async def test_a_card_can_come_as_a_token_or_a_payment_method(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe, token: str
) -> None:
    order_id = await orders.place(payments.sign_in())

    response = await pay(payments, order_id, token)

    assert response.status_code == 201, response.text
    assert await stripe_probe.times_charged(order_id) == 1


async def test_a_card_can_come_as_what_the_payment_form_held(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    order_id = await orders.place(payments.sign_in())

    response = await pay(payments, order_id, await stripe_probe.confirmation_token())

    assert response.status_code == 201, response.text
    assert await stripe_probe.times_charged(order_id) == 1


async def test_paying_again_gives_the_same_payment_and_takes_nothing(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    order_id = await orders.place(payments.sign_in())
    first = await pay(payments, order_id)

    again = await pay(payments, order_id, "pm_card_mastercard")

    assert (again.status_code, again.json()) == (201, first.json())
    assert await stripe_probe.times_charged(order_id) == 1


async def test_twenty_clicks_on_two_replicas_are_one_payment(
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


async def test_a_double_click_with_a_declined_card_is_one_attempt(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    order_id = await orders.place(payments.sign_in())
    await stripe_probe.inject_fault(CONFIRM, "delay", delay_ms=300)

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
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
        ("tok_chargeDeclinedFraudulent", "card_declined", "fraudulent"),
        ("tok_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("tok_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
        ("tok_chargeDeclinedProcessingError", "processing_error", "processing_error"),
        ("tok_threeDSecure2Required", "authentication_required", "authentication_required"),
    ],
)
async def test_a_declined_card_is_402_with_the_reason(
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


async def test_a_decline_leaves_the_order_open_and_another_card_pays_it(
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


async def test_attempts_can_be_used_up(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe, published: EventProbe
) -> None:
    order_id = await orders.place(payments.sign_in())

    responses = [await pay(payments, order_id, DECLINED) for _ in range(5)]
    further = await pay(payments, order_id)

    assert [response.status_code for response in responses] == [402] * 5
    assert [errors(response)[0]["retryable"] for response in responses] == [True] * 4 + [False]
    assert further.status_code == 400
    assert errors(further)[0]["code"] == "attempts_used_up"
    assert await stripe_probe.times_charged(order_id) == 0
    await published.next(PaymentFailed, 5)
    assert [e.final for e in await published.all(PaymentFailed)] == [False] * 4 + [True]


async def test_the_first_decline_is_final_where_the_operator_wants_it(
    serve_payments: ServePayments, orders: FakeOrders, published: EventProbe
) -> None:
    payments = await serve_payments(payment_failure_policy="cancel")
    order_id = await orders.place(payments.sign_in())

    declined = await pay(payments, order_id, DECLINED)
    further = await pay(payments, order_id)

    assert errors(declined)[0]["retryable"] is False
    assert (declined.status_code, further.status_code) == (402, 400)
    assert (await published.next(PaymentFailed)).final


async def test_where_the_bank_asks_the_buyer_the_answer_is_202(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe, published: EventProbe
) -> None:
    order_id = await orders.place(payments.sign_in())

    response = await pay(payments, order_id, "pm_card_authenticationRequired")

    assert response.status_code == 202
    body = response.json()
    assert set(body) == {"id", "status", "clientSecret"}
    assert body["status"] == "requires_action"
    assert await stripe_probe.times_charged(order_id) == 0
    await published.next(PaymentUpdated, 2)
    statuses = [event.status for event in await published.all(PaymentUpdated)]
    assert statuses == [ChargeStatus.PROCESSING, ChargeStatus.REQUIRES_ACTION]


@pytest.mark.parametrize("healed_by", ["GET", "POST"])
async def test_what_the_bank_heard_is_found_out_by_asking(
    serve_payments: ServePayments, orders: FakeOrders, stripe_probe: StripeProbe, healed_by: str
) -> None:
    payments = await serve_payments(payment_reconcile_seconds=0)
    order_id = await orders.place(payments.sign_in())
    asked = (await pay(payments, order_id, "pm_card_authenticationRequired")).json()
    await stripe_probe.authenticate(asked["clientSecret"])

    if healed_by == "GET":
        response = await get_payment(payments, order_id)
    else:
        response = await pay(payments, order_id, "pm_card_authenticationRequired")

    assert response.status_code == (200 if healed_by == "GET" else 201)
    assert (response.json()["id"], response.json()["status"]) == (asked["id"], "succeeded")
    assert await stripe_probe.times_charged(order_id) == 1


async def test_the_same_click_gets_the_same_question_of_the_bank(
    payments: Client, orders: FakeOrders
) -> None:
    order_id = await orders.place(payments.sign_in())

    first = await pay(payments, order_id, "pm_card_authenticationRequired")
    again = await pay(payments, order_id, "pm_card_authenticationRequired")

    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()


async def test_who_fails_the_bank_s_question_may_take_another_card(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    order_id = await orders.place(payments.sign_in())
    asked = (await pay(payments, order_id, "pm_card_authenticationRequired")).json()
    await stripe_probe.authenticate(asked["clientSecret"], "failure")

    shown = (await get_payment(payments, order_id)).json()
    paid = await pay(payments, order_id)

    assert shown["status"] == "requires_payment_method"
    assert shown["lastError"]["code"] == "payment_intent_authentication_failure"
    assert (paid.status_code, await stripe_probe.times_charged(order_id)) == (201, 1)


async def test_another_card_may_be_taken_while_the_bank_asks(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    order_id = await orders.place(payments.sign_in())
    asked = (await pay(payments, order_id, "pm_card_authenticationRequired")).json()

    paid = await pay(payments, order_id)
    too_late = await stripe_probe.authenticate(asked["clientSecret"])

    assert paid.status_code == 201
    assert too_late.is_error
    assert await stripe_probe.times_charged(order_id) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
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
    ],
)
async def test_a_malformed_payment_is_refused_at_its_field(
    payments: Client, body: dict[str, Any], field: str
) -> None:
    payments.sign_in()

    response = await payments.post("/api/payments", json=body)

    assert response.status_code == 400
    assert field in {error["field"] for error in errors(response)}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"token": "\\ud800"}', b"\xff"])
async def test_a_body_that_is_no_payment_is_refused(payments: Client, content: bytes) -> None:
    payments.sign_in()

    response = await payments.post("/api/payments", content=content)

    assert response.status_code == 400
    assert errors(response)


@pytest.mark.parametrize("token", ["tok_unknown", "pm_unknown", "ctoken_unknown"])
async def test_a_token_that_stripe_does_not_know_is_refused(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe, token: str
) -> None:
    order_id = await orders.place(payments.sign_in())

    response = await pay(payments, order_id, token)

    assert response.status_code == 400, response.text
    assert errors(response)[0]["field"] == "token"
    assert token not in response.text
    assert (await pay(payments, order_id)).status_code == 201
    assert await stripe_probe.times_charged(order_id) == 1


async def test_paying_needs_a_session_before_anything_else(payments: Client) -> None:
    response = await payments.post("/api/payments", content=b"{")

    assert response.status_code == 401
    assert errors(response) == [{"message": "Not authorized"}]


async def test_a_buyer_who_is_sooner_than_the_order_s_event_is_waited_for(
    payments: Client, orders: FakeOrders
) -> None:
    order_id = orders.place_unpublished(payments.sign_in())

    paying = asyncio.create_task(pay(payments, order_id))
    await orders.publish(order_id)

    assert (await paying).status_code == 201


async def test_an_order_that_is_not_there_is_404(payments: Client) -> None:
    payments.sign_in()

    response = await pay(payments, new_id())

    assert response.status_code == 404


async def test_somebody_else_s_order_cannot_be_paid(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    order_id = await orders.place(make_user())
    payments.sign_in()

    response = await pay(payments, order_id)

    assert response.status_code == 401
    assert await stripe_probe.intents(order_id) == []


async def test_a_cancelled_order_cannot_be_paid(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    order_id = await orders.place(payments.sign_in())
    await orders.cancel(order_id)

    response = await pay(payments, order_id)

    assert response.status_code == 400
    assert errors(response) == [{"message": "Cannot pay for a cancelled order"}]
    assert await stripe_probe.intents(order_id) == []


async def test_an_expired_order_cannot_be_paid_though_nobody_cancelled_it_yet(
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


async def test_a_refunded_order_cannot_be_paid_again(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    order_id = await orders.place(payments.sign_in())
    await pay(payments, order_id)
    await orders.cancel(order_id)
    await wait_for_status(payments, order_id, "refunded")

    response = await pay(payments, order_id)

    assert response.status_code == 400
    assert await stripe_probe.times_charged(order_id) == 1


async def test_an_attempt_that_takes_its_time_is_409_for_the_others(
    serve_payments: ServePayments,
    orders: FakeOrders,
    stripe_probe: StripeProbe,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("payments.sync.ATTEMPT_WAIT_SECONDS", 0.2)
    payments = await serve_payments()
    order_id = await orders.place(payments.sign_in())
    await stripe_probe.inject_fault(CONFIRM, "delay", delay_ms=1500)

    first = asyncio.create_task(pay(payments, order_id))
    await wait_for_status(payments, order_id, "processing")
    second = await pay(payments, order_id)

    assert second.status_code == 409
    assert second.headers["retry-after"] == "2"
    assert (await first).status_code == 201
    assert await stripe_probe.times_charged(order_id) == 1


async def test_a_lost_answer_is_asked_for_again(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    order_id = await orders.place(payments.sign_in())
    await stripe_probe.inject_fault(CONFIRM, "drop_after")

    response = await pay(payments, order_id)

    assert response.status_code == 201
    assert await stripe_probe.times_charged(order_id) == 1


async def test_an_outcome_that_nobody_knows_is_503_and_no_failure(
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


async def test_an_attempt_that_never_arrived_is_no_decline(
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
async def test_stripe_being_away_is_503_and_paying_later_works(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe, call: str
) -> None:
    order_id = await orders.place(payments.sign_in())
    await stripe_probe.inject_fault(call, "drop_before", times=3)

    unavailable = await pay(payments, order_id)
    recovered = await pay(payments, order_id)

    assert (unavailable.status_code, recovered.status_code) == (503, 201)
    assert await stripe_probe.times_charged(order_id) == 1


async def test_a_failure_that_stripe_repeats_for_a_day_does_not_block_an_order(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    order_id = await orders.place(payments.sign_in())
    await stripe_probe.inject_fault("POST /v1/payment_intents", "status", status=500, stored=True)

    response = await pay(payments, order_id)

    assert response.status_code == 201
    assert await stripe_probe.times_charged(order_id) == 1


async def test_the_same_idempotency_key_gives_the_first_answer_again(
    payments: Client, orders: FakeOrders
) -> None:
    order_id = await orders.place(payments.sign_in())
    body = {"token": "tok_visa", "orderId": order_id}
    headers = {"Idempotency-Key": "once"}

    first = await payments.post("/api/payments", json=body, headers=headers)
    again = await payments.post("/api/payments", json=body, headers=headers)

    assert (again.status_code, again.content) == (201, first.content)


async def test_a_question_of_the_bank_is_not_an_answer_to_keep(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    """A kept answer would put its client secret into the database."""
    order_id = await orders.place(payments.sign_in())
    body = {"token": "pm_card_authenticationRequired", "orderId": order_id}
    headers = {"Idempotency-Key": "asked"}

    asked = await payments.post("/api/payments", json=body, headers=headers)
    await stripe_probe.authenticate(asked.json()["clientSecret"])
    again = await payments.post("/api/payments", json=body, headers=headers)

    assert (asked.status_code, again.status_code) == (202, 201)


async def test_a_receipt_shows_where_the_money_is(payments: Client, orders: FakeOrders) -> None:
    order_id = await orders.place(payments.sign_in())
    paid = (await pay(payments, order_id)).json()

    response = await get_payment(payments, order_id)

    assert (response.status_code, response.json()) == (200, paid)
    known = await payments.get(
        "/api/payments", params={"orderId": order_id}, headers={"If-None-Match": '"1"'}
    )
    assert known.status_code == 304


async def test_a_receipt_shows_why_the_last_card_was_declined(
    payments: Client, orders: FakeOrders
) -> None:
    order_id = await orders.place(payments.sign_in())
    await pay(payments, order_id, DECLINED)

    body = (await get_payment(payments, order_id)).json()

    assert body["status"] == "requires_payment_method"
    assert body["lastError"] == {
        "message": "Your card was declined.",
        "code": "card_declined",
        "declineCode": "generic_decline",
        "retryable": True,
    }


async def test_a_receipt_is_for_who_pays(payments: Client, orders: FakeOrders) -> None:
    order_id = await orders.place(payments.sign_in())
    await pay(payments, order_id)
    payments.sign_in()

    other_user = await get_payment(payments, order_id)
    payments.sign_out()
    anonymous = await get_payment(payments, order_id)

    assert (other_user.status_code, anonymous.status_code) == (401, 401)


async def test_there_is_no_receipt_before_an_attempt(payments: Client, orders: FakeOrders) -> None:
    order_id = await orders.place(payments.sign_in())

    assert (await get_payment(payments, order_id)).status_code == 404
    assert (await get_payment(payments, new_id())).status_code == 404
    assert (await get_payment(payments, "nonsense")).status_code == 400
    assert (await payments.get("/api/payments")).status_code == 400


async def test_a_receipt_is_shown_while_stripe_is_away(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    order_id = await orders.place(payments.sign_in())
    await pay(payments, order_id, "pm_card_authenticationRequired")
    await stripe_probe.inject_fault("GET /v1/payment_intents/*", "status", status=500, times=20)

    response = await get_payment(payments, order_id)

    assert (response.status_code, response.json()["status"]) == (200, "requires_action")


async def test_the_web_client_is_told_what_a_card_form_needs(
    serve_payments: ServePayments, stripe_url: str
) -> None:
    plain = await serve_payments()
    local = await serve_payments(
        stripe_publishable_key="pk_test_1", stripe_js_url=f"{stripe_url}/v3/"
    )

    assert (await plain.get("/api/payments/config")).json() == {
        "publishableKey": None,
        "stripeJsUrl": None,
    }
    assert (await local.get("/api/payments/config")).json() == {
        "publishableKey": "pk_test_1",
        "stripeJsUrl": f"{stripe_url}/v3/",
    }


async def test_neither_logs_nor_database_hold_a_token_or_a_client_secret(
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
def test_a_live_key_is_never_sent_anywhere_but_to_stripe(
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


async def test_every_state_can_be_told_again(payments: Client, orders: FakeOrders) -> None:
    order_id = await orders.place(payments.sign_in())
    await pay(payments, order_id)

    messages = [message async for message in payments.app.state.service.snapshot_events()]

    (message,) = messages
    charge = await find_charge(payments, order_id)
    assert charge is not None
    assert (message.subject, message.aggregate_id) == ("payment.created", charge.id)
    assert json.loads(message.data)["version"] == charge.version
    assert utc_now() - message.occurred_at < timedelta(minutes=1)
