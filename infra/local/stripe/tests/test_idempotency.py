from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe
from stripe import PaymentIntent, StripeClient
from stripe.params import PaymentIntentCreateParams

from stripe_local.testing import Server
from ticketing_local.testing.polling import wait_until

KEY: stripe.RequestOptions = {"idempotency_key": "order-1"}
TICKET: PaymentIntentCreateParams = {
    "amount": 2000,
    "currency": "usd",
    "allowed_payment_method_types": ["card"],
}
PAID: PaymentIntentCreateParams = {**TICKET, "confirm": True, "payment_method": "pm_card_visa"}


def call_in_parallel(call: Callable[[int], PaymentIntent]) -> list[PaymentIntent | str | None]:
    def outcome(number: int) -> PaymentIntent | str | None:
        try:
            return call(number)
        except stripe.StripeError as refusal:
            return refusal.code

    with ThreadPoolExecutor(16) as threads:
        return list(threads.map(outcome, range(16)))


def test_parallel_creates_with_one_key_create_one_intent(server: Server) -> None:
    client = server.client(retries=5)

    intents = call_in_parallel(lambda _: client.v1.payment_intents.create(TICKET, KEY))

    created = server.objects("payment_intent")
    assert len(created) == 1
    assert {intent.id for intent in intents if isinstance(intent, PaymentIntent)} == {
        created[0]["id"]
    }
    assert all(isinstance(intent, PaymentIntent) for intent in intents)


def test_parallel_confirms_of_one_intent_charge_once(server: Server, client: StripeClient) -> None:
    intent = client.v1.payment_intents.create(TICKET)
    cards = ("pm_card_visa", "pm_card_mastercard")

    outcomes = call_in_parallel(
        lambda n: client.v1.payment_intents.confirm(intent.id, {"payment_method": cards[n % 2]})
    )

    outcome_counts = Counter(
        each.status if isinstance(each, PaymentIntent) else each for each in outcomes
    )
    assert outcome_counts == {"succeeded": 1, "payment_intent_unexpected_state": 15}
    assert len(server.objects("charge")) == 1


def test_decline_is_replayed_not_retried(server: Server, client: StripeClient) -> None:
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


def test_key_with_other_parameters_is_rejected(client: StripeClient) -> None:
    client.v1.payment_intents.create(TICKET, KEY)

    with pytest.raises(stripe.IdempotencyError, match="same parameters"):
        client.v1.payment_intents.create({**TICKET, "amount": 2001}, KEY)


def test_key_at_another_endpoint_is_rejected(client: StripeClient) -> None:
    intent = client.v1.payment_intents.create(TICKET, KEY)

    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        client.v1.payment_intents.cancel(intent.id, {}, KEY)


def test_key_in_use_is_rejected_until_first_call_ends(server: Server, client: StripeClient) -> None:
    server.fault("POST /v1/payment_intents", "hold", delay_ms=60_000)
    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(client.v1.payment_intents.create, TICKET, KEY)
        wait_until(lambda: not server.faults())  # used up: the first call has the key
        with pytest.raises(stripe.StripeError) as refusal:
            client.v1.payment_intents.create(TICKET, KEY)
        server.clear_faults()
        created = first.result()

    error = refusal.value.error
    assert error
    assert (refusal.value.http_status, error.code) == (409, "idempotency_key_in_use")
    assert client.v1.payment_intents.create(TICKET, KEY).id == created.id


def test_invalid_parameter_does_not_consume_key(client: StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.create({**TICKET, "amount": 1}, KEY)

    assert client.v1.payment_intents.create(TICKET, KEY).amount == 2000


def test_error_caused_by_state_is_replayed(client: StripeClient) -> None:
    intent = client.v1.payment_intents.create(TICKET)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": intent.id}, KEY)
    client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})

    with pytest.raises(stripe.InvalidRequestError, match="successful charge"):
        client.v1.refunds.create({"payment_intent": intent.id}, KEY)

    assert client.v1.refunds.create({"payment_intent": intent.id}).status == "succeeded"


def test_stored_server_error_is_replayed(server: Server, client: StripeClient) -> None:
    server.fault("POST /v1/payment_intents", "status", status=500, stored=True)

    for _ in range(2):
        with pytest.raises(stripe.APIError):
            client.v1.payment_intents.create(TICKET, KEY)

    assert server.objects("payment_intent") == []


def test_server_error_before_execution_is_not_stored(server: Server) -> None:
    server.fault("POST /v1/payment_intents", "status", status=500)

    intent = server.client(retries=1).v1.payment_intents.create(TICKET, KEY)

    assert [each["id"] for each in server.objects("payment_intent")] == [intent.id]


def test_keys_and_payments_survive_a_kill(own_server: Server) -> None:
    client = own_server.client()
    acknowledged = [client.v1.payment_intents.create(PAID).id for _ in range(20)]
    keyed = client.v1.payment_intents.create(PAID, KEY).id

    own_server.kill()
    own_server.start()
    own_server.wait_ready()

    assert client.v1.payment_intents.create(PAID, KEY).id == keyed
    statuses = {each["id"]: each["status"] for each in own_server.objects("payment_intent")}
    assert statuses == dict.fromkeys([*acknowledged, keyed], "succeeded")
