import json

import pytest
import stripe
from stripe import StripeClient

from stripe_local.testing import WEBHOOK_SECRET, Server, WebhookReceiver
from ticketing_local.testing.polling import wait_until

SUCCEEDED = "payment_intent.succeeded"


def pay(client: StripeClient, amount: int = 2000) -> str:
    return client.v1.payment_intents.create(
        {
            "amount": amount,
            "currency": "usd",
            "allowed_payment_method_types": ["card"],
            "confirm": True,
            "payment_method": "pm_card_visa",
        }
    ).id


@pytest.fixture
def endpoint(client: StripeClient, receiver: WebhookReceiver) -> stripe.WebhookEndpoint:
    return client.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": [SUCCEEDED]})


def paid_intents(receiver: WebhookReceiver) -> list[str]:
    return [event["data"]["object"]["id"] for event in receiver.events()]


def test_webhook_is_signed(
    client: StripeClient, endpoint: stripe.WebhookEndpoint, receiver: WebhookReceiver
) -> None:
    intent = pay(client)
    wait_until(lambda: receiver.received)

    body, signature = receiver.received[0]
    assert endpoint.secret
    event = stripe.Webhook.construct_event(body, signature, endpoint.secret)  # pyright: ignore[reportUnknownMemberType]  # the SDK leaves it untyped
    assert (event.type, event.data.object["id"]) == (SUCCEEDED, intent)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, signature, "whsec_another")  # pyright: ignore[reportUnknownMemberType]  # as above


def test_only_enabled_event_types_are_sent(
    server: Server,
    client: StripeClient,
    endpoint: stripe.WebhookEndpoint,
    receiver: WebhookReceiver,
) -> None:
    pay(client)
    wait_until(lambda: receiver.received)

    assert [each["type"] for each in server.deliveries()] == [SUCCEEDED]
    emitted = [event["type"] for event in server.objects("event")]
    assert emitted == ["payment_intent.created", "charge.succeeded", SUCCEEDED]
    assert endpoint.enabled_events == [SUCCEEDED]


@pytest.mark.usefixtures("endpoint")
def test_webhook_is_retried_until_accepted(
    server: Server, client: StripeClient, receiver: WebhookReceiver
) -> None:
    receiver.statuses = [500, 503]

    pay(client)

    wait_until(lambda: len(receiver.received) == 3)
    delivery = wait_until(
        lambda: next((each for each in server.deliveries() if each["state"] == "delivered"), None)
    )
    assert len({event["id"] for event in receiver.events()}) == 1
    assert (delivery["attempts"], delivery["result"]) == (3, "200")


@pytest.mark.usefixtures("endpoint")
def test_rejected_webhook_stays_pending(
    server: Server, client: StripeClient, receiver: WebhookReceiver
) -> None:
    receiver.statuses = [500] * 5
    pay(client)
    wait_until(lambda: receiver.received)
    (event,) = client.v1.events.list({"type": SUCCEEDED}).data

    assert event.pending_webhooks == 1
    receiver.statuses.clear()
    wait_until(lambda: client.v1.events.retrieve(event.id).pending_webhooks == 0)
    assert {each["state"] for each in server.deliveries()} == {"delivered"}


def test_pending_webhooks_survive_a_kill(own_server: Server, receiver: WebhookReceiver) -> None:
    client = own_server.client()
    client.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": [SUCCEEDED]})
    receiver.statuses = [500] * 1000
    intents = [pay(client) for _ in range(3)]
    wait_until(lambda: receiver.received)

    own_server.kill()
    receiver.statuses.clear()
    receiver.received.clear()
    own_server.start()
    own_server.wait_ready()

    wait_until(lambda: set(paid_intents(receiver)) == set(intents))


def test_deleted_endpoint_gets_no_events(
    server: Server,
    client: StripeClient,
    endpoint: stripe.WebhookEndpoint,
    receiver: WebhookReceiver,
) -> None:
    client.v1.webhook_endpoints.delete(endpoint.id)

    pay(client)

    assert server.deliveries() == []
    assert receiver.received == []
    assert client.v1.webhook_endpoints.list().data == []


def test_command_line_endpoint_gets_its_event_types(
    own_server: Server, receiver: WebhookReceiver
) -> None:
    own_server.restart("--hook", receiver.url, "--events", SUCCEEDED)

    pay(own_server.client())
    wait_until(lambda: receiver.received)

    body, signature = receiver.received[0]
    stripe.Webhook.construct_event(body, signature, WEBHOOK_SECRET)  # pyright: ignore[reportUnknownMemberType]  # as above
    assert json.loads(body)["type"] == SUCCEEDED
    own_server.restart()
    assert own_server.objects("webhook_endpoint") == []


@pytest.mark.usefixtures("endpoint")
def test_duplicate_fault_sends_webhook_twice(
    server: Server, client: StripeClient, receiver: WebhookReceiver
) -> None:
    server.fault(f"WEBHOOK {SUCCEEDED}", "duplicate")

    pay(client)

    wait_until(lambda: len(receiver.received) == 2)
    first, second = receiver.events()
    assert first["id"] == second["id"]


@pytest.mark.usefixtures("endpoint")
def test_reorder_fault_sends_webhook_after_the_next(
    server: Server, client: StripeClient, receiver: WebhookReceiver
) -> None:
    server.fault(f"WEBHOOK {SUCCEEDED}", "reorder", delay_ms=60_000)

    intents = [pay(client), pay(client)]

    wait_until(lambda: len(receiver.received) == 2)
    assert paid_intents(receiver) == intents[::-1]


@pytest.mark.usefixtures("endpoint")
def test_delay_fault_sends_webhook_late(
    server: Server, client: StripeClient, receiver: WebhookReceiver
) -> None:
    server.fault(f"WEBHOOK {SUCCEEDED}", "delay", delay_ms=3000)

    intents = [pay(client), pay(client)]

    wait_until(lambda: len(receiver.received) == 2)
    assert paid_intents(receiver) == intents[::-1]
