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


@pytest.mark.parametrize("fault", ["drop_before", "drop_after"])
def test_sdk_retries_and_charges_once(server: Server, fault: str) -> None:
    server.fault(CREATE, fault)

    intent = server.client(retries=2).v1.payment_intents.create(PAID)

    assert intent.status == "succeeded"
    assert [each["payment_intent"] for each in server.objects("charge")] == [intent.id]


@pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning")  # the SDK's doing
@pytest.mark.parametrize("fault", ["drop_before", "drop_after"])
async def test_async_sdk_retries_and_charges_once(server: Server, fault: str) -> None:
    server.fault(CREATE, fault)

    async with server.async_client(retries=2) as client:
        intent = await client.v1.payment_intents.create_async(PAID)

    assert intent.status == "succeeded"
    assert [each["payment_intent"] for each in server.objects("charge")] == [intent.id]


def test_same_key_finds_payment_after_all_responses_are_lost(server: Server) -> None:
    server.fault(CREATE, "drop_after", times=3)
    client = server.client(retries=2)
    with pytest.raises(stripe.APIConnectionError):
        client.v1.payment_intents.create(PAID, KEY)
    created = server.objects("payment_intent")

    found = client.v1.payment_intents.create(PAID, KEY)

    assert [each["id"] for each in created] == [found.id]
    assert len(server.objects("charge")) == 1


def test_fault_applies_to_matching_calls_and_count_only(server: Server) -> None:
    server.fault("POST /v1/payment_intents/*/cancel", "status", status=503, times=2)
    client = server.client()
    intent = client.v1.payment_intents.create({"amount": 2000, "currency": "usd"})

    for _ in range(2):
        with pytest.raises(stripe.APIError):
            client.v1.payment_intents.cancel(intent.id)

    assert client.v1.payment_intents.cancel(intent.id).status == "canceled"
