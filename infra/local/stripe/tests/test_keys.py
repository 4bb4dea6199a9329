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
def test_only_test_keys_are_taken(server: Server, key: str) -> None:
    answer = httpx.get(f"{server.url}/v1/charges", auth=(key, ""))

    assert answer.status_code == 401
    assert key not in answer.text


def test_a_call_without_a_key_is_refused(server: Server) -> None:
    assert httpx.get(f"{server.url}/v1/charges").status_code == 401


@pytest.mark.parametrize(
    "path", ["/v1/refunds", "/v1/payment_intents", "/v1/payment_intents/pi_1/cancel"]
)
def test_a_browser_key_cannot_do_what_a_server_does(server: Server, path: str) -> None:
    answer = server.browser(path)

    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "secret_key_required"


def test_a_browser_sees_an_intent_only_with_its_secret(
    server: Server, intent: stripe.PaymentIntent
) -> None:
    address = f"{server.url}/v1/payment_intents/{intent.id}"
    query = {"key": PUBLISHABLE_KEY, "client_secret": intent.client_secret}

    assert httpx.get(address, params={"key": PUBLISHABLE_KEY}).status_code == 404
    shown = httpx.get(address, params=query).json()
    assert shown["id"] == intent.id
    assert "metadata" not in shown


def test_a_browser_confirms_an_intent_only_with_its_secret(
    server: Server, intent: stripe.PaymentIntent
) -> None:
    method = server.browser("/v1/payment_methods", **CARD).json()["id"]
    path = f"/v1/payment_intents/{intent.id}/confirm"

    guessed = server.browser(path, payment_method=method, client_secret=f"{intent.id}_secret_x")
    known = server.browser(path, payment_method=method, client_secret=intent.client_secret)

    assert (guessed.status_code, known.json()["status"]) == (404, "succeeded")


def test_a_card_number_is_taken_from_a_browser_only(server: Server, client: StripeClient) -> None:
    assert server.browser("/v1/payment_methods", **CARD).status_code == 200

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
def test_a_mistyped_card_is_refused(server: Server, typed: dict[str, str], code: str) -> None:
    answer = server.browser("/v1/payment_methods", **{**CARD, **typed})

    assert answer.status_code == 402
    assert answer.json()["error"]["code"] == code


def test_no_card_number_is_ever_shown(server: Server) -> None:
    server.browser("/v1/payment_methods", **CARD)

    assert "4242424242424242" not in str(server.objects("payment_method"))
