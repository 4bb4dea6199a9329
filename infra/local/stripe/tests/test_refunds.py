import pytest
import stripe
from stripe import StripeClient

from stripe_local.testing import Server
from ticketing_local.testing.polling import wait_until


def create_paid_intent(client: StripeClient, card: str = "visa") -> stripe.PaymentIntent:
    return client.v1.payment_intents.create(
        {
            "amount": 2000,
            "currency": "usd",
            "allowed_payment_method_types": ["card"],
            "confirm": True,
            "payment_method": f"pm_card_{card}",
        }
    )


def refunded_amount(client: StripeClient, intent: stripe.PaymentIntent) -> int:
    (charge,) = client.v1.charges.list({"payment_intent": intent.id}).data
    return charge.amount_refunded


def test_charge_is_refunded_once(client: StripeClient) -> None:
    intent = create_paid_intent(client)

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


def test_refund_cannot_exceed_the_payment(client: StripeClient) -> None:
    intent = create_paid_intent(client)
    client.v1.refunds.create({"payment_intent": intent.id, "amount": 1500})

    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        client.v1.refunds.create({"payment_intent": intent.id, "amount": 501})

    assert client.v1.refunds.create({"payment_intent": intent.id}).amount == 500


def test_unpaid_intent_cannot_be_refunded(client: StripeClient) -> None:
    intent = client.v1.payment_intents.create({"amount": 2000, "currency": "usd"})

    with pytest.raises(stripe.InvalidRequestError, match="successful charge"):
        client.v1.refunds.create({"payment_intent": intent.id})


def test_a_pending_refund_succeeds_later(server: Server, client: StripeClient) -> None:
    refund = client.v1.refunds.create(
        {"payment_intent": create_paid_intent(client, "pendingRefund").id}
    )
    assert refund.status == "pending"

    wait_until(lambda: client.v1.refunds.retrieve(refund.id).status == "succeeded")

    types = [event["type"] for event in server.objects("event")]
    assert types[-2:] == ["refund.updated", "charge.refund.updated"]


def test_failing_refund_succeeds_first_then_is_reversed(
    server: Server, client: StripeClient
) -> None:
    intent = create_paid_intent(client, "refundFail")
    refund = client.v1.refunds.create({"payment_intent": intent.id})
    assert refund.status == "succeeded"

    failed = wait_until(
        lambda: next(
            (each for each in server.objects("refund") if each["status"] == "failed"), None
        )
    )

    assert failed["failure_reason"] == "expired_or_canceled_card"
    assert refunded_amount(client, intent) == 0
    assert server.objects("event")[-1]["type"] == "refund.failed"


def test_pending_refund_survives_a_kill(own_server: Server) -> None:
    client = own_server.client()
    refund = client.v1.refunds.create(
        {"payment_intent": create_paid_intent(client, "pendingRefund").id}
    )

    own_server.kill()
    own_server.start()
    own_server.wait_ready()

    wait_until(lambda: client.v1.refunds.retrieve(refund.id).status == "succeeded")
