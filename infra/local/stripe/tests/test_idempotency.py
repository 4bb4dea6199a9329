from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe
from stripe import PaymentIntent, StripeClient
from stripe.params import PaymentIntentCreateParams

from stripe_local.testing import Server, eventually

KEY: stripe.RequestOptions = {"idempotency_key": "order-1"}
TICKET: PaymentIntentCreateParams = {
    "amount": 2000,
    "currency": "usd",
    "allowed_payment_method_types": ["card"],
}
PAID: PaymentIntentCreateParams = {**TICKET, "confirm": True, "payment_method": "pm_card_visa"}


def sixteen_times(call: Callable[[int], PaymentIntent]) -> list[PaymentIntent | str | None]:
    def outcome(number: int) -> PaymentIntent | str | None:
        try:
            return call(number)
        except stripe.StripeError as refusal:
            return refusal.code

    with ThreadPoolExecutor(16) as threads:
        return list(threads.map(outcome, range(16)))


def test_parallel_creates_with_one_key_make_one_intent(server: Server) -> None:
    client = server.client(retries=5)

    intents = sixteen_times(lambda _: client.v1.payment_intents.create(TICKET, KEY))

    made = server.objects("payment_intent")
    assert len(made) == 1
    assert {intent.id for intent in intents if isinstance(intent, PaymentIntent)} == {made[0]["id"]}
    assert all(isinstance(intent, PaymentIntent) for intent in intents)


def test_parallel_confirms_of_one_intent_take_the_money_once(
    server: Server, client: StripeClient
) -> None:
    intent = client.v1.payment_intents.create(TICKET)
    cards = ("pm_card_visa", "pm_card_mastercard")

    outcomes = sixteen_times(
        lambda n: client.v1.payment_intents.confirm(intent.id, {"payment_method": cards[n % 2]})
    )

    told = Counter(each.status if isinstance(each, PaymentIntent) else each for each in outcomes)
    assert told == {"succeeded": 1, "payment_intent_unexpected_state": 15}
    assert len(server.objects("charge")) == 1


def test_a_decline_is_replayed_and_not_tried_again(server: Server, client: StripeClient) -> None:
    intent = client.v1.payment_intents.create(TICKET)
    refusals: list[stripe.CardError] = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as refusal:
            client.v1.payment_intents.confirm(
                intent.id, {"payment_method": "pm_card_chargeDeclined"}, KEY
            )
        refusals.append(refusal.value)

    first, second = refusals
    assert first.http_body == second.http_body
    assert first.headers
    assert second.headers
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert second.headers["original-request"] == first.request_id
    assert len(server.objects("charge")) == 1


def test_a_key_cannot_be_used_with_other_parameters(client: StripeClient) -> None:
    client.v1.payment_intents.create(TICKET, KEY)

    with pytest.raises(stripe.IdempotencyError, match="same parameters"):
        client.v1.payment_intents.create({**TICKET, "amount": 2001}, KEY)


def test_a_key_cannot_be_used_at_another_endpoint(client: StripeClient) -> None:
    intent = client.v1.payment_intents.create(TICKET, KEY)

    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        client.v1.payment_intents.cancel(intent.id, {}, KEY)


def test_a_key_in_use_is_refused_until_the_first_call_is_over(
    server: Server, client: StripeClient
) -> None:
    server.fault("POST /v1/payment_intents", "hold", delay_ms=1500)
    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(client.v1.payment_intents.create, TICKET, KEY)
        eventually(lambda: not server.faults())  # used up: the first call has the key
        with pytest.raises(stripe.StripeError) as refusal:
            client.v1.payment_intents.create(TICKET, KEY)
        made = first.result()

    error = refusal.value.error
    assert error
    assert (refusal.value.http_status, error.code) == (409, "idempotency_key_in_use")
    assert client.v1.payment_intents.create(TICKET, KEY).id == made.id


def test_a_bad_parameter_does_not_use_up_a_key(client: StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.create({**TICKET, "amount": 1}, KEY)

    assert client.v1.payment_intents.create(TICKET, KEY).amount == 2000


def test_a_refusal_by_the_state_of_things_is_remembered(client: StripeClient) -> None:
    intent = client.v1.payment_intents.create(TICKET)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": intent.id}, KEY)
    client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})

    with pytest.raises(stripe.InvalidRequestError, match="successful charge"):
        client.v1.refunds.create({"payment_intent": intent.id}, KEY)

    assert client.v1.refunds.create({"payment_intent": intent.id}).status == "succeeded"


def test_a_server_error_after_the_start_is_remembered(server: Server, client: StripeClient) -> None:
    server.fault("POST /v1/payment_intents", "status", status=500, stored=True)

    for _ in range(2):
        with pytest.raises(stripe.APIError):
            client.v1.payment_intents.create(TICKET, KEY)

    assert server.objects("payment_intent") == []


def test_a_server_error_before_the_start_is_not_remembered(server: Server) -> None:
    server.fault("POST /v1/payment_intents", "status", status=500)

    intent = server.client(retries=1).v1.payment_intents.create(TICKET, KEY)

    assert [each["id"] for each in server.objects("payment_intent")] == [intent.id]


def test_keys_and_payments_survive_a_kill(own_server: Server) -> None:
    client = own_server.client()
    acknowledged = [client.v1.payment_intents.create(PAID).id for _ in range(20)]
    keyed = client.v1.payment_intents.create(PAID, KEY).id

    own_server.kill()
    own_server.start()

    assert client.v1.payment_intents.create(PAID, KEY).id == keyed
    kept = {each["id"]: each["status"] for each in own_server.objects("payment_intent")}
    assert kept == dict.fromkeys([*acknowledged, keyed], "succeeded")
