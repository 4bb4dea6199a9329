import httpx
import pytest
import stripe
from stripe import StripeClient
from stripe.params import PaymentIntentConfirmParams, PaymentIntentCreateParams

from stripe_local.testing import Server

TICKET: PaymentIntentCreateParams = {
    "amount": 2000,
    "currency": "usd",
    "allowed_payment_method_types": ["card"],
    "metadata": {"orderId": "o1"},
}


def create_and_confirm(
    client: StripeClient, with_: PaymentIntentConfirmParams
) -> stripe.PaymentIntent:
    intent = client.v1.payment_intents.create(TICKET)
    return client.v1.payment_intents.confirm(
        intent.id, {**with_, "expand": ["latest_charge", "payment_method"]}
    )


def test_published_token_becomes_a_chargeable_payment_method(client: StripeClient) -> None:
    method = client.v1.payment_methods.create({"type": "card", "card": {"token": "tok_mastercard"}})

    intent = create_and_confirm(client, {"payment_method": method.id})

    charge = intent.latest_charge
    assert isinstance(charge, stripe.Charge)
    assert charge.payment_method_details
    assert charge.payment_method_details.card
    assert (charge.status, charge.amount, charge.paid) == ("succeeded", 2000, True)
    assert charge.payment_method_details.card.last4 == "4444"
    assert charge.metadata["orderId"] == "o1"
    assert (intent.status, intent.amount_received) == ("succeeded", 2000)


def test_a_confirmation_token_pays_once(client: StripeClient) -> None:
    token = client.v1.test_helpers.confirmation_tokens.create({"payment_method": "pm_card_visa"})

    assert create_and_confirm(client, {"confirmation_token": token.id}).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError, match="already been used"):
        create_and_confirm(client, {"confirmation_token": token.id})


def test_a_browser_token_can_be_used_once(server: Server, client: StripeClient) -> None:
    card = {"card[number]": "4242424242424242", "card[exp_month]": "12", "card[exp_year]": "2040"}
    token = server.post_as_browser("/v1/tokens", **card).json()["id"]
    client.v1.payment_methods.create({"type": "card", "card": {"token": token}})

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.payment_methods.create({"type": "card", "card": {"token": token}})

    assert refusal.value.code == "token_already_used"


def test_a_payment_method_that_has_paid_cannot_pay_again(client: StripeClient) -> None:
    method = client.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    create_and_confirm(client, {"payment_method": method.id})

    with pytest.raises(stripe.InvalidRequestError, match="previously used"):
        create_and_confirm(client, {"payment_method": method.id})


@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("chargeDeclined", "card_declined", "generic_decline"),
        ("visa_chargeDeclined", "card_declined", "generic_decline"),
        ("chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("chargeDeclinedFraudulent", "card_declined", "fraudulent"),
        ("chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
        ("chargeDeclinedProcessingError", "processing_error", "processing_error"),
    ],
)
def test_declined_card_returns_the_reason(
    server: Server, client: StripeClient, card: str, code: str, decline_code: str
) -> None:
    with pytest.raises(stripe.CardError) as refusal:
        create_and_confirm(client, {"payment_method": f"pm_card_{card}"})

    error = refusal.value.error
    assert error
    assert error.payment_intent
    assert (refusal.value.http_status, error.type) == (402, "card_error")
    assert (error.code, error.decline_code) == (code, decline_code)
    assert refusal.value.user_message == error.message
    assert error.payment_intent.status == "requires_payment_method"
    assert [charge["id"] for charge in server.objects("charge")] == [error.charge]


def test_a_card_number_has_one_fingerprint(server: Server, client: StripeClient) -> None:
    methods = [
        client.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}}),
        client.v1.payment_methods.retrieve("pm_card_visa"),
    ]
    card = {"card[number]": "4242424242424242", "card[exp_month]": "1", "card[exp_year]": "2041"}
    token = server.post_as_browser("/v1/tokens", **card).json()["id"]
    methods.append(client.v1.payment_methods.create({"type": "card", "card": {"token": token}}))
    confirmation = client.v1.test_helpers.confirmation_tokens.create(
        {"payment_method": "pm_card_visa"}
    )
    preview = client.v1.confirmation_tokens.retrieve(confirmation.id).payment_method_preview
    other = client.v1.payment_methods.retrieve("pm_card_mastercard")

    cards = [preview and preview.card, *(method.card for method in methods)]
    assert len({card and card.fingerprint for card in cards}) == 1
    assert other.card
    assert other.card.fingerprint != (cards[0] and cards[0].fingerprint)


@pytest.mark.parametrize("card", ["chargeDeclinedLostCard", "chargeDeclinedStolenCard"])
def test_a_decline_names_the_fingerprint_of_the_card(client: StripeClient, card: str) -> None:
    method = client.v1.payment_methods.retrieve(f"pm_card_{card}")
    with pytest.raises(stripe.CardError) as refusal:
        create_and_confirm(client, {"payment_method": f"pm_card_{card}"})

    assert refusal.value.error
    declined = refusal.value.error.payment_method
    assert declined
    assert declined.card
    assert method.card
    assert declined.card.fingerprint == method.card.fingerprint


def test_another_card_pays_after_a_decline(client: StripeClient) -> None:
    intent = client.v1.payment_intents.create(TICKET)
    with pytest.raises(stripe.CardError):
        client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_chargeDeclined"})

    client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})

    charges = client.v1.charges.list({"payment_intent": intent.id})
    assert [charge.status for charge in charges.data] == ["succeeded", "failed"]
    again = client.v1.payment_intents.retrieve(intent.id)
    assert (again.status, again.last_payment_error) == ("succeeded", None)
    assert again.latest_charge == charges.data[0].id


def test_a_canceled_intent_cannot_be_paid(client: StripeClient) -> None:
    intent = client.v1.payment_intents.create(TICKET)
    canceled = client.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "abandoned"})

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})

    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "abandoned")
    assert refusal.value.code == "payment_intent_unexpected_state"
    assert refusal.value.error
    assert refusal.value.error.payment_intent
    assert refusal.value.error.payment_intent.status == "canceled"


def test_a_paid_intent_cannot_be_canceled(client: StripeClient) -> None:
    intent = create_and_confirm(client, {"payment_method": "pm_card_visa"})

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.payment_intents.cancel(intent.id)

    assert refusal.value.code == "payment_intent_unexpected_state"


def test_an_open_intent_can_be_changed(client: StripeClient) -> None:
    intent = client.v1.payment_intents.create(TICKET)

    changed = client.v1.payment_intents.update(
        intent.id, {"amount": 2500, "metadata": {"orderId": "", "seat": "A1"}}
    )

    assert changed.amount == 2500
    assert changed.metadata.to_dict() == {"seat": "A1"}


def test_intents_are_listed_newest_first_and_page_by_page(client: StripeClient) -> None:
    created = [client.v1.payment_intents.create(TICKET).id for _ in range(5)]

    first = client.v1.payment_intents.list({"limit": 2})
    rest = client.v1.payment_intents.list({"starting_after": first.data[-1].id})
    previous_page = client.v1.payment_intents.list({"ending_before": rest.data[-1].id, "limit": 2})

    assert [each.id for each in first.data] == created[:-3:-1]
    assert first.has_more
    assert [each.id for each in rest.data] == created[2::-1]
    assert not rest.has_more
    assert [each.id for each in previous_page.data] == [created[2], created[1]]


def test_intents_are_listed_by_time(client: StripeClient) -> None:
    intent = client.v1.payment_intents.create(TICKET)

    since = client.v1.payment_intents.list({"created": {"gte": intent.created}})
    before = client.v1.payment_intents.list({"created": {"lt": intent.created}})

    assert ([each.id for each in since.data], before.data) == ([intent.id], [])


def test_missing_object_returns_404(client: StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.payment_intents.retrieve("pi_none")

    assert (refusal.value.http_status, refusal.value.code) == (404, "resource_missing")


def test_every_response_has_a_request_id(server: Server, client: StripeClient) -> None:
    intent = client.v1.payment_intents.create(TICKET)
    assert intent.last_response
    (event,) = server.objects("event")

    assert event["request"]["id"] == intent.last_response.request_id
    assert httpx.get(f"{server.url}/v1/events").headers["request-id"].startswith("req_")
