import pytest
import stripe
from stripe.params import PaymentIntentCreateParams

from stripe_local.testing import Server

CREATE = "POST /v1/payment_intents"
KEY: stripe.RequestOptions = {"idempotency_key": "order-1"}
PAID: PaymentIntentCreateParams = {
    "amount": 2000,
    "currency": "usd",
    "allowed_payment_method_types": ["card"],
    "confirm": True,
    "payment_method": "pm_card_visa",
}


@pytest.mark.parametrize("lost", ["drop_before", "drop_after"])
def test_the_sdk_tries_again_and_pays_once(server: Server, lost: str) -> None:
    server.fault(CREATE, lost)

    intent = server.client(retries=2).v1.payment_intents.create(PAID)

    assert intent.status == "succeeded"
    assert [each["payment_intent"] for each in server.objects("charge")] == [intent.id]


@pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning")  # the SDK's doing
@pytest.mark.parametrize("lost", ["drop_before", "drop_after"])
async def test_the_asynchronous_sdk_tries_again_and_pays_once(server: Server, lost: str) -> None:
    server.fault(CREATE, lost)

    async with server.asynchronous_client(retries=2) as client:
        intent = await client.v1.payment_intents.create_async(PAID)

    assert intent.status == "succeeded"
    assert [each["payment_intent"] for each in server.objects("charge")] == [intent.id]


def test_when_every_answer_is_lost_the_same_key_still_finds_the_payment(server: Server) -> None:
    server.fault(CREATE, "drop_after", times=3)
    client = server.client(retries=2)
    with pytest.raises(stripe.APIConnectionError):
        client.v1.payment_intents.create(PAID, KEY)
    made = server.objects("payment_intent")

    found = client.v1.payment_intents.create(PAID, KEY)

    assert [each["id"] for each in made] == [found.id]
    assert len(server.objects("charge")) == 1


def test_a_fault_happens_as_often_as_asked_and_only_where_it_matches(server: Server) -> None:
    server.fault("POST /v1/payment_intents/*/cancel", "status", status=503, times=2)
    client = server.client()
    intent = client.v1.payment_intents.create({"amount": 2000, "currency": "usd"})

    for _ in range(2):
        with pytest.raises(stripe.APIError):
            client.v1.payment_intents.cancel(intent.id)

    assert client.v1.payment_intents.cancel(intent.id).status == "canceled"
