"""Tests of cards that were reported stolen: the buyer learns no more than "declined"."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from common.events import PaymentEvent, PaymentFailed, PaymentUpdated
from common.persistence.mongo import collection_of
from common.testing.client import Client, make_user
from common.testing.events import EventProbe
from payments.domain.stripe_objects import Decline
from payments.domain.suspicious_cards import CONCEALED_CODES, GENERIC_DECLINE, conceal
from payments.store.charges import ChargeDocument
from payments.testing import FakeOrders, StripeProbe, pay

ServePayments = Callable[..., Awaitable[Client]]
GENERIC = "chargeDeclined"
REPORTED = {
    "chargeDeclinedLostCard": "lost_card",
    "chargeDeclinedStolenCard": "stolen_card",
    "chargeDeclinedFraudulent": "fraudulent",
}


async def get_payment(payments: Client, order_id: str) -> dict[str, Any]:
    response = await payments.get("/api/payments", params={"orderId": order_id})
    assert response.status_code == 200, response.text
    return response.json()


def without_identity(values: dict[str, Any]) -> dict[str, Any]:
    """Return what does not differ between any two payments."""
    own = (
        "id",
        "userId",
        "user_id",
        "orderId",
        "order_id",
        "stripeId",
        "stripe_id",
        "createdAt",
        "created_at",
        "updatedAt",
    )
    return {name: value for name, value in values.items() if name not in own}


async def events_of(published: EventProbe, order_id: str) -> list[dict[str, Any]]:
    kinds: tuple[type[PaymentEvent], ...] = (PaymentUpdated, PaymentFailed)
    found = [event for kind in kinds for event in await published.all(kind)]
    return [
        {"subject": event.subject, **without_identity(event.model_dump())}
        for event in found
        if event.order_id == order_id
    ]


async def stored_attempts(payments: Client, order_id: str) -> list[dict[str, Any]]:
    assert payments
    found = collection_of(ChargeDocument).find({})
    (doc,) = [doc async for doc in found if str(doc["order_id"]) == order_id]
    return doc["attempts"]


@pytest.mark.usefixtures("no_outbox_sweep")
@pytest.mark.parametrize("attempts", [1, 5])
@pytest.mark.parametrize("card", REPORTED)
async def test_reported_card_looks_like_a_generic_decline(
    payments: Client, orders: FakeOrders, published: EventProbe, card: str, attempts: int
) -> None:
    seen: list[tuple[list[Any], dict[str, Any], list[dict[str, Any]]]] = []
    for name in (GENERIC, card):
        order_id = await orders.place(payments.sign_in())
        responses = [await pay(payments, order_id, f"tok_{name}") for _ in range(attempts)]
        await published.next(PaymentFailed, attempts * (len(seen) + 1))
        seen.append(
            (
                [(response.status_code, response.json()) for response in responses],
                without_identity(await get_payment(payments, order_id)),
                await events_of(published, order_id),
            )
        )

    generic, reported = seen
    assert reported == generic
    assert reported[0][-1][1]["errors"] == [
        {
            "message": "Your card was declined.",
            "code": "card_declined",
            "declineCode": "generic_decline",
            "retryable": attempts < 5,
            "attemptsLeft": 5 - attempts,
        }
    ]
    assert [event.get("reason") for event in reported[2]][-1] == "generic_decline"


@pytest.mark.parametrize("card", REPORTED)
async def test_reported_card_is_refused_to_the_account_without_asking_stripe(
    serve_payments: ServePayments, orders: FakeOrders, stripe_probe: StripeProbe, card: str
) -> None:
    payments, other_replica = await serve_payments(), await serve_payments()
    buyer = other_replica.sign_in(payments.sign_in())
    first, second = await orders.place(buyer), await orders.place(buyer)
    asked = await pay(payments, first, f"tok_{card}")

    token = await stripe_probe.confirmation_token(f"pm_card_{card}")
    refused = await pay(other_replica, second, token)
    other_card = await pay(payments, second)

    assert (asked.status_code, refused.status_code, refused.json()) == (402, 402, asked.json())
    assert (await stripe_probe.declines(first), await stripe_probe.declines(second)) == (1, 0)
    assert other_card.status_code == 201


async def test_reported_card_is_refused_as_a_payment_method_too(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    buyer = payments.sign_in()
    first, second = await orders.place(buyer), await orders.place(buyer)
    await pay(payments, first, "pm_card_chargeDeclinedStolenCard")

    refused = await pay(payments, second, "pm_card_chargeDeclinedStolenCard")

    assert refused.status_code == 402
    assert await stripe_probe.declines(second) == 0


async def test_reported_card_is_not_refused_to_other_accounts(
    payments: Client, orders: FakeOrders, stripe_probe: StripeProbe
) -> None:
    await pay(payments, await orders.place(payments.sign_in()), "tok_chargeDeclinedLostCard")
    order_id = await orders.place(payments.sign_in(make_user()))

    await pay(payments, order_id, "tok_chargeDeclinedLostCard")

    assert await stripe_probe.declines(order_id) == 1


async def test_refused_attempts_count_as_attempts(
    payments: Client, orders: FakeOrders, published: EventProbe
) -> None:
    buyer = payments.sign_in()
    await pay(payments, await orders.place(buyer), "tok_chargeDeclinedLostCard")
    order_id = await orders.place(buyer)

    responses = [await pay(payments, order_id, "tok_chargeDeclinedLostCard") for _ in range(5)]

    retryable = [response.json()["errors"][0]["retryable"] for response in responses]
    assert retryable == [True] * 4 + [False]
    assert (await published.next(PaymentFailed, 6)).final


async def test_true_code_is_stored_for_operators_only(
    serve_payments: ServePayments,
    orders: FakeOrders,
    published: EventProbe,
    stripe_probe: StripeProbe,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    payments = await serve_payments(log_level="DEBUG")
    buyer = payments.sign_in()
    order_id = await orders.place(buyer)
    cards = (*REPORTED, "chargeDeclinedLostCard")
    responses = [await pay(payments, order_id, f"tok_{card}") for card in cards]

    attempts = await stored_attempts(payments, order_id)
    true_codes = [*REPORTED.values(), "refused_again"]
    assert [attempt["operator_code"] for attempt in attempts] == true_codes
    assert {attempt["decline_code"] for attempt in attempts} == {"generic_decline"}

    method = await stripe_probe.api.payment_methods.create_async(
        {"type": "card", "card": {"token": "tok_chargeDeclinedLostCard"}}
    )
    assert method.card
    shown = "\n".join(
        [
            *(response.text for response in responses),
            str(await get_payment(payments, order_id)),
            *(event.model_dump_json() for event in await published.all(PaymentFailed)),
            *(event.model_dump_json() for event in await published.all(PaymentUpdated)),
            caplog.text,
            *capfd.readouterr(),
        ]
    )
    hidden = [*true_codes, str(method.card.fingerprint)]
    assert not [secret for secret in hidden if secret in shown]


@pytest.mark.parametrize("code", sorted(CONCEALED_CODES))
def test_conceal_leaves_the_true_code_to_operators(code: str) -> None:
    concealed = conceal(Decline("Pick up this card!", code, code, "ch_1"))

    assert (concealed.message, concealed.code, concealed.decline_code) == (
        GENERIC_DECLINE.message,
        "card_declined",
        "generic_decline",
    )
    assert (concealed.decline_id, concealed.operator_code) == ("ch_1", code)
    assert code not in repr(concealed)
    assert conceal(concealed).operator_code == code


def test_conceal_keeps_a_decline_that_helps_the_buyer() -> None:
    decline = Decline("Your card has insufficient funds.", "card_declined", "insufficient_funds")

    assert conceal(decline) is decline
