import json

import pytest
import stripe
from stripe import StripeClient

from stripe_local.testing import HOOK_SECRET, Receiver, Server, eventually

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
def endpoint(client: StripeClient, receiver: Receiver) -> stripe.WebhookEndpoint:
    return client.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": [SUCCEEDED]})


def paid_intents(receiver: Receiver) -> list[str]:
    return [event["data"]["object"]["id"] for event in receiver.events()]


def test_an_event_comes_signed(
    client: StripeClient, endpoint: stripe.WebhookEndpoint, receiver: Receiver
) -> None:
    intent = pay(client)
    eventually(lambda: receiver.received)

    body, signature = receiver.received[0]
    assert endpoint.secret
    event = stripe.Webhook.construct_event(body, signature, endpoint.secret)  # pyright: ignore[reportUnknownMemberType]  # the SDK leaves it untyped
    assert (event.type, event.data.object["id"]) == (SUCCEEDED, intent)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, signature, "whsec_another")  # pyright: ignore[reportUnknownMemberType]  # as above


def test_only_the_wanted_types_come(
    server: Server, client: StripeClient, endpoint: stripe.WebhookEndpoint, receiver: Receiver
) -> None:
    pay(client)
    eventually(lambda: receiver.received)

    assert [each["type"] for each in server.deliveries()] == [SUCCEEDED]
    made = [event["type"] for event in server.objects("event")]
    assert made == ["payment_intent.created", "charge.succeeded", SUCCEEDED]
    assert endpoint.enabled_events == [SUCCEEDED]


@pytest.mark.usefixtures("endpoint")
def test_an_event_comes_again_until_it_is_taken(
    server: Server, client: StripeClient, receiver: Receiver
) -> None:
    receiver.statuses = [500, 503]

    pay(client)

    eventually(lambda: len(receiver.received) == 3)
    delivery = eventually(
        lambda: next((each for each in server.deliveries() if each["state"] == "delivered"), None)
    )
    assert len({event["id"] for event in receiver.events()}) == 1
    assert (delivery["attempts"], delivery["result"]) == (3, "200")


@pytest.mark.usefixtures("endpoint")
def test_an_event_that_was_not_taken_is_still_owed(
    server: Server, client: StripeClient, receiver: Receiver
) -> None:
    receiver.statuses = [500] * 5
    pay(client)
    eventually(lambda: receiver.received)
    (event,) = client.v1.events.list({"type": SUCCEEDED}).data

    assert event.pending_webhooks == 1
    receiver.statuses.clear()
    eventually(lambda: client.v1.events.retrieve(event.id).pending_webhooks == 0)
    assert {each["state"] for each in server.deliveries()} == {"delivered"}


def test_what_is_owed_survives_a_kill(own_server: Server, receiver: Receiver) -> None:
    client = own_server.client()
    client.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": [SUCCEEDED]})
    receiver.statuses = [500] * 1000
    intents = [pay(client) for _ in range(3)]
    eventually(lambda: receiver.received)

    own_server.kill()
    receiver.statuses.clear()
    receiver.received.clear()
    own_server.start()

    eventually(lambda: set(paid_intents(receiver)) == set(intents))


def test_a_deleted_endpoint_hears_nothing_more(
    server: Server, client: StripeClient, endpoint: stripe.WebhookEndpoint, receiver: Receiver
) -> None:
    client.v1.webhook_endpoints.delete(endpoint.id)

    pay(client)

    assert server.deliveries() == []
    assert receiver.received == []
    assert client.v1.webhook_endpoints.list().data == []


def test_an_endpoint_of_the_command_line_gets_what_it_asks_for(
    own_server: Server, receiver: Receiver
) -> None:
    own_server.stop()
    own_server.arguments = ("--hook", receiver.url, "--events", SUCCEEDED)
    own_server.start()

    pay(own_server.client())
    eventually(lambda: receiver.received)

    body, signature = receiver.received[0]
    stripe.Webhook.construct_event(body, signature, HOOK_SECRET)  # pyright: ignore[reportUnknownMemberType]  # as above
    assert json.loads(body)["type"] == SUCCEEDED
    own_server.stop()
    own_server.arguments = ()
    own_server.start()
    assert own_server.objects("webhook_endpoint") == []


@pytest.mark.usefixtures("endpoint")
def test_a_duplicated_event_comes_twice(
    server: Server, client: StripeClient, receiver: Receiver
) -> None:
    server.fault(f"WEBHOOK {SUCCEEDED}", "duplicate")

    pay(client)

    eventually(lambda: len(receiver.received) == 2)
    first, second = receiver.events()
    assert first["id"] == second["id"]


@pytest.mark.usefixtures("endpoint")
def test_a_reordered_event_comes_after_the_next(
    server: Server, client: StripeClient, receiver: Receiver
) -> None:
    server.fault(f"WEBHOOK {SUCCEEDED}", "reorder", delay_ms=60_000)

    intents = [pay(client), pay(client)]

    eventually(lambda: len(receiver.received) == 2)
    assert paid_intents(receiver) == intents[::-1]


@pytest.mark.usefixtures("endpoint")
def test_a_delayed_event_comes_late(
    server: Server, client: StripeClient, receiver: Receiver
) -> None:
    server.fault(f"WEBHOOK {SUCCEEDED}", "delay", delay_ms=3000)

    intents = [pay(client), pay(client)]

    eventually(lambda: len(receiver.received) == 2)
    assert paid_intents(receiver) == intents[::-1]
