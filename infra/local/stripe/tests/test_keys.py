import httpx
import pytest
import stripe
from stripe import StripeClient

from stripe_local.testing import PUBLISHABLE_KEY, Server

CARD = {
    "type": "card",
    "card[number]": "4242424242424242",
    "card[exp_month]": "12",
    "card[exp_year]": "2040",
    "card[cvc]": "123",
}


@pytest.fixture
def intent(client: StripeClient) -> stripe.PaymentIntent:
    return client.v1.payment_intents.create(
        {"amount": 2000, "currency": "usd", "metadata": {"orderId": "o1"}}
    )


@pytest.mark.parametrize("key", ["sk_live_1234abcd", "pk_live_1234abcd", "nonsense"])
def test_only_test_keys_are_accepted(server: Server, key: str) -> None:
    response = httpx.get(f"{server.url}/v1/charges", auth=(key, ""))

    assert response.status_code == 401
    assert key not in response.text


def test_call_without_key_returns_401(server: Server) -> None:
    assert httpx.get(f"{server.url}/v1/charges").status_code == 401


@pytest.mark.parametrize(
    "path", ["/v1/refunds", "/v1/payment_intents", "/v1/payment_intents/pi_1/cancel"]
)
def test_publishable_key_cannot_call_server_operations(server: Server, path: str) -> None:
    response = server.post_as_browser(path)

    assert response.status_code == 403
    assert response.json()["error"]["code"] == "secret_key_required"


def test_browser_reads_intent_only_with_client_secret(
    server: Server, intent: stripe.PaymentIntent
) -> None:
    address = f"{server.url}/v1/payment_intents/{intent.id}"
    query = {"key": PUBLISHABLE_KEY, "client_secret": intent.client_secret}

    assert httpx.get(address, params={"key": PUBLISHABLE_KEY}).status_code == 404
    body = httpx.get(address, params=query).json()
    assert body["id"] == intent.id
    assert "metadata" not in body


def test_browser_confirms_intent_only_with_client_secret(
    server: Server, intent: stripe.PaymentIntent
) -> None:
    method = server.post_as_browser("/v1/payment_methods", **CARD).json()["id"]
    path = f"/v1/payment_intents/{intent.id}/confirm"

    guessed = server.post_as_browser(
        path, payment_method=method, client_secret=f"{intent.id}_secret_x"
    )
    known = server.post_as_browser(path, payment_method=method, client_secret=intent.client_secret)

    assert (guessed.status_code, known.json()["status"]) == (404, "succeeded")


def test_card_number_is_accepted_from_browser_only(server: Server, client: StripeClient) -> None:
    assert server.post_as_browser("/v1/payment_methods", **CARD).status_code == 200

    with pytest.raises(stripe.StripeError, match="generally unsafe"):
        client.v1.payment_methods.create(
            {
                "type": "card",
                "card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2040},
            }
        )


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ({"card[number]": "4242424242424241"}, "incorrect_number"),
        ({"card[number]": "4111111111111111"}, "card_declined"),
        ({"card[exp_month]": "13"}, "invalid_expiry_month"),
        ({"card[exp_year]": "2020"}, "invalid_expiry_year"),
        ({"card[cvc]": "1"}, "invalid_cvc"),
    ],
)
def test_invalid_card_is_rejected(server: Server, typed: dict[str, str], code: str) -> None:
    response = server.post_as_browser("/v1/payment_methods", **{**CARD, **typed})

    assert response.status_code == 402
    assert response.json()["error"]["code"] == code


def test_card_number_is_never_returned(server: Server) -> None:
    server.post_as_browser("/v1/payment_methods", **CARD)

    assert "4242424242424242" not in str(server.objects("payment_method"))
