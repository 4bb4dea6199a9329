import pytest
import stripe
from stripe import StripeClient

from stripe_local.testing import Server, eventually


def paid(client: StripeClient, card: str = "visa") -> stripe.PaymentIntent:
    return client.v1.payment_intents.create(
        {
            "amount": 2000,
            "currency": "usd",
            "allowed_payment_method_types": ["card"],
            "confirm": True,
            "payment_method": f"pm_card_{card}",
        }
    )


def refunded(client: StripeClient, intent: stripe.PaymentIntent) -> int:
    (charge,) = client.v1.charges.list({"payment_intent": intent.id}).data
    return charge.amount_refunded


def test_money_goes_back_once(client: StripeClient) -> None:
    intent = paid(client)

    refund = client.v1.refunds.create(
        {"payment_intent": intent.id, "reason": "requested_by_customer", "metadata": {"a": "b"}}
    )

    assert (refund.status, refund.amount, refund.reason) == (
        "succeeded",
        2000,
        "requested_by_customer",
    )
    assert refund.metadata
    assert refund.metadata["a"] == "b"
    assert refund.charge == intent.latest_charge
    assert [each.id for each in client.v1.refunds.list({"payment_intent": intent.id}).data] == [
        refund.id
    ]
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.refunds.create({"payment_intent": intent.id})
    assert refusal.value.code == "charge_already_refunded"


def test_no_more_goes_back_than_was_paid(client: StripeClient) -> None:
    intent = paid(client)
    client.v1.refunds.create({"payment_intent": intent.id, "amount": 1500})

    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        client.v1.refunds.create({"payment_intent": intent.id, "amount": 501})

    assert client.v1.refunds.create({"payment_intent": intent.id}).amount == 500


def test_an_unpaid_intent_has_nothing_to_give_back(client: StripeClient) -> None:
    intent = client.v1.payment_intents.create({"amount": 2000, "currency": "usd"})

    with pytest.raises(stripe.InvalidRequestError, match="successful charge"):
        client.v1.refunds.create({"payment_intent": intent.id})


def test_a_pending_refund_succeeds_later(server: Server, client: StripeClient) -> None:
    refund = client.v1.refunds.create({"payment_intent": paid(client, "pendingRefund").id})
    assert refund.status == "pending"

    eventually(lambda: client.v1.refunds.retrieve(refund.id).status == "succeeded")

    types = [event["type"] for event in server.objects("event")]
    assert types[-2:] == ["refund.updated", "charge.refund.updated"]


def test_a_failing_refund_looks_successful_first_and_returns_the_money(
    server: Server, client: StripeClient
) -> None:
    intent = paid(client, "refundFail")
    refund = client.v1.refunds.create({"payment_intent": intent.id})
    assert refund.status == "succeeded"

    failed = eventually(
        lambda: next(
            (each for each in server.objects("refund") if each["status"] == "failed"), None
        )
    )

    assert failed["failure_reason"] == "expired_or_canceled_card"
    assert refunded(client, intent) == 0
    assert server.objects("event")[-1]["type"] == "refund.failed"


def test_a_refund_that_is_due_is_not_forgotten_by_a_kill(own_server: Server) -> None:
    client = own_server.client()
    refund = client.v1.refunds.create({"payment_intent": paid(client, "pendingRefund").id})

    own_server.kill()
    own_server.start()

    eventually(lambda: client.v1.refunds.retrieve(refund.id).status == "succeeded")
