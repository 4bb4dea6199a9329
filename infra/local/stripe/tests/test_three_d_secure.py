import pytest
import stripe
from stripe import StripeClient

from stripe_local.testing import Server


def create_challenged_intent(
    client: StripeClient, card: str = "authenticationRequired"
) -> stripe.PaymentIntent:
    return client.v1.payment_intents.create(
        {
            "amount": 2000,
            "currency": "usd",
            "allowed_payment_method_types": ["card"],
            "confirm": True,
            "payment_method": f"pm_card_{card}",
        }
    )


def test_card_requiring_authentication_requires_action(
    server: Server, client: StripeClient
) -> None:
    intent = create_challenged_intent(client)

    assert intent.status == "requires_action"
    assert intent.next_action
    assert intent.next_action.type == "use_stripe_sdk"
    assert server.objects("charge") == []


def test_a_passed_challenge_pays(server: Server, client: StripeClient) -> None:
    intent = create_challenged_intent(client)

    assert server.answer_challenge(intent, "success")["status"] == "succeeded"

    paid = client.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    assert isinstance(paid.latest_charge, stripe.Charge)
    details = paid.latest_charge.payment_method_details
    assert details
    assert details.card
    assert details.card.three_d_secure
    assert details.card.three_d_secure.result == "authenticated"
    assert (paid.status, paid.next_action) == ("succeeded", None)


def test_a_failed_challenge_needs_another_card(server: Server, client: StripeClient) -> None:
    intent = create_challenged_intent(client)

    server.answer_challenge(intent, "failure")

    refused = client.v1.payment_intents.retrieve(intent.id)
    assert refused.status == "requires_payment_method"
    assert refused.last_payment_error
    assert refused.last_payment_error.code == "payment_intent_authentication_failure"
    assert server.objects("charge") == []


def test_a_bank_may_decline_after_a_passed_challenge(server: Server, client: StripeClient) -> None:
    intent = create_challenged_intent(client, "threeDSecureRequiredChargeDeclined")

    response = server.answer_challenge(intent, "success")

    assert response["last_payment_error"]["code"] == "card_declined"
    assert response["status"] == "requires_payment_method"


def test_challenge_on_canceled_intent_charges_nothing(server: Server, client: StripeClient) -> None:
    intent = create_challenged_intent(client)
    client.v1.payment_intents.cancel(intent.id)

    response = server.answer_challenge(intent, "success")

    assert response["error"]["code"] == "payment_intent_unexpected_state"
    assert server.objects("charge") == []


def test_error_on_requires_action_declines_challenged_card(client: StripeClient) -> None:
    intent = client.v1.payment_intents.create(
        {"amount": 2000, "currency": "usd", "allowed_payment_method_types": ["card"]}
    )

    with pytest.raises(stripe.CardError) as refusal:
        client.v1.payment_intents.confirm(
            intent.id,
            {
                "payment_method": "pm_card_authenticationRequired",
                "error_on_requires_action": True,
            },
        )

    assert refusal.value.code == "authentication_required"
    assert client.v1.payment_intents.retrieve(intent.id).status == "requires_payment_method"
