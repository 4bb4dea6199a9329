"""Disputes: the test cards, evidence, outcomes and the money that moves."""

from typing import Any

import pytest
import stripe
from stripe import StripeClient

from stripe_local.documents import Document
from stripe_local.testing import Server
from ticketing_local.testing.polling import wait_until

WEEK = 7 * 86_400


def pay(client: StripeClient, card: str = "visa") -> str:
    """Pay an order, and return its charge."""
    intent = client.v1.payment_intents.create(
        {
            "amount": 2000,
            "currency": "usd",
            "allowed_payment_method_types": ["card"],
            "confirm": True,
            "payment_method": f"pm_card_{card}",
        }
    )
    assert isinstance(intent.latest_charge, str)
    return intent.latest_charge


def disputes_of(client: StripeClient, charge: str, count: int = 1) -> list[stripe.Dispute]:
    """Return the disputes of a charge, when the bank has opened them."""

    def found() -> list[stripe.Dispute] | None:
        data = client.v1.disputes.list({"charge": charge}).data
        return data if len(data) == count else None

    return wait_until(found) or []


def open_dispute(server: Server, charge: str, **more: Any) -> str:
    answer = server.control("POST", "disputes", {"charge": charge, **more})
    return answer.raise_for_status().json()["id"]


def platform(server: Server) -> int:
    return sum(server.ledger()["accounts"]["platform"]["usd"].values())


def dispute_events(server: Server) -> list[str]:
    return [
        event["type"].removeprefix("charge.dispute.")
        for event in server.objects("event")
        if event["type"].startswith("charge.dispute.")
    ]


@pytest.mark.parametrize(
    ("card", "reason", "status", "balance"),
    [
        ("createDispute", "fraudulent", "needs_response", 1912 - 2000 - 1500),
        (
            "createDisputeProductNotReceived",
            "product_not_received",
            "needs_response",
            1912 - 2000 - 1500,
        ),
        ("createDisputeInquiry", "fraudulent", "warning_needs_response", 1912),
    ],
)
def test_charge_of_a_test_card_is_disputed(
    server: Server, client: StripeClient, card: str, reason: str, status: str, balance: int
) -> None:
    charge = pay(client, card)

    (dispute,) = disputes_of(client, charge)

    assert (dispute.reason, dispute.status, dispute.amount) == (reason, status, 2000)
    assert client.v1.charges.retrieve(charge).disputed
    assert platform(server) == balance
    assert sum(each.net for each in dispute.balance_transactions) == balance - 1912
    assert "_local" not in str(server.objects("dispute"))


def test_charge_can_be_disputed_twice(server: Server, client: StripeClient) -> None:
    found = disputes_of(client, pay(client, "createMultipleDisputes"), 2)

    assert [each.amount for each in found] == [1000, 1000]
    assert server.ledger()["balanced"]


def test_dispute_of_a_test_card_survives_a_kill(own_server: Server) -> None:
    client = own_server.client()
    charge = pay(client, "createDispute")

    own_server.kill()
    own_server.start()
    own_server.wait_ready()

    assert disputes_of(client, charge)


def test_winning_evidence_returns_the_money_without_the_fee(
    server: Server, client: StripeClient
) -> None:
    (dispute,) = disputes_of(client, pay(client, "createDispute"))

    sent = client.v1.disputes.update(
        dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}}
    )

    assert (sent.status, sent.evidence_details.submission_count) == ("under_review", 1)
    wait_until(lambda: client.v1.disputes.retrieve(dispute.id).status == "won")
    assert platform(server) == 1912 - 1500
    assert dispute_events(server) == [
        "created",
        "funds_withdrawn",
        "updated",
        "funds_reinstated",
        "closed",
    ]


def test_evidence_is_staged_then_submitted_once(client: StripeClient) -> None:
    (dispute,) = disputes_of(client, pay(client, "createDispute"))

    staged = client.v1.disputes.update(
        dispute.id, {"evidence": {"access_activity_log": "revealed"}, "submit": False}
    )
    assert (staged.status, staged.evidence_details.has_evidence) == ("needs_response", True)
    sent = client.v1.disputes.update(dispute.id, {"submit": True})
    assert (sent.status, sent.evidence.access_activity_log) == ("under_review", "revealed")
    with pytest.raises(stripe.InvalidRequestError, match="no longer accepts evidence"):
        client.v1.disputes.update(dispute.id, {"evidence": {"access_activity_log": "again"}})


@pytest.mark.parametrize("name", ["receipt", "uncategorized_file"])
def test_evidence_that_has_to_be_a_file_is_refused_as_text(client: StripeClient, name: str) -> None:
    (dispute,) = disputes_of(client, pay(client, "createDispute"))
    evidence: Any = {name: "one ticket, 20 dollars"}

    with pytest.raises(stripe.InvalidRequestError, match="No such file"):
        client.v1.disputes.update(dispute.id, {"evidence": evidence})

    assert client.v1.disputes.retrieve(dispute.id).status == "needs_response"


def test_too_long_evidence_is_refused(client: StripeClient) -> None:
    (dispute,) = disputes_of(client, pay(client, "createDispute"))

    with pytest.raises(stripe.InvalidRequestError, match="character limit"):
        client.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "x" * 150_001}})

    assert client.v1.disputes.retrieve(dispute.id).status == "needs_response"


def test_dispute_without_a_response_is_lost_when_it_is_due(
    server: Server, client: StripeClient
) -> None:
    (dispute,) = disputes_of(client, pay(client, "createDispute"))

    server.move_clock(WEEK + 1)

    lost = client.v1.disputes.retrieve(dispute.id)
    assert (lost.status, lost.evidence_details.past_due) == ("lost", True)


def test_inquiry_escalates_to_a_dispute(server: Server, client: StripeClient) -> None:
    (inquiry,) = disputes_of(client, pay(client, "createDisputeInquiry"))
    assert platform(server) == 1912

    client.v1.disputes.update(
        inquiry.id, {"evidence": {"uncategorized_text": "escalate_inquiry_evidence"}}
    )

    wait_until(lambda: client.v1.disputes.retrieve(inquiry.id).status == "needs_response")
    assert platform(server) == 1912 - 2000 - 1500


def test_accepted_dispute_is_lost(client: StripeClient) -> None:
    (dispute,) = disputes_of(client, pay(client, "createDispute"))

    assert client.v1.disputes.close(dispute.id).status == "lost"
    with pytest.raises(stripe.InvalidRequestError, match="already closed"):
        client.v1.disputes.close(dispute.id)


def test_disputed_charge_cannot_be_refunded_but_an_inquiry_can(
    server: Server, client: StripeClient
) -> None:
    disputed, asked = pay(client), pay(client)
    open_dispute(server, disputed)
    open_dispute(server, asked, inquiry=True)

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.refunds.create({"charge": disputed})

    assert refusal.value.code == "charge_disputed"
    assert client.v1.refunds.create({"charge": asked}).amount == 2000


def test_payment_can_be_refunded_after_a_won_dispute_but_not_after_a_lost_one(
    server: Server, client: StripeClient
) -> None:
    won, lost = pay(client), pay(client)
    for charge, outcome in ((won, "won"), (lost, "lost")):
        dispute = open_dispute(server, charge)
        server.control("POST", f"disputes/{dispute}", {"outcome": outcome}).raise_for_status()

    assert client.v1.refunds.create({"charge": won}).amount == 2000
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.refunds.create({"charge": lost})
    assert refusal.value.code == "charge_disputed"
    assert server.ledger()["balanced"]


@pytest.mark.parametrize(("outcome", "balance"), [("won", 412), ("lost", -88)])
def test_control_route_disputes_a_part_and_decides(
    server: Server, client: StripeClient, outcome: str, balance: int
) -> None:
    dispute = open_dispute(server, pay(client), amount=500, reason="product_not_received")

    server.control("POST", f"disputes/{dispute}", {"outcome": outcome}).raise_for_status()

    assert client.v1.disputes.retrieve(dispute).status == outcome
    assert platform(server) == balance
    again = server.control("POST", f"disputes/{dispute}", {"outcome": outcome})
    assert again.status_code == 400


@pytest.mark.parametrize(
    "wrong", [{"charge": "ch_none"}, {"amount": 2001}, {"amount": 0}, {"amount": "x"}]
)
def test_invalid_dispute_is_refused(server: Server, client: StripeClient, wrong: Document) -> None:
    answer = server.control("POST", "disputes", {"charge": pay(client), **wrong})

    assert answer.status_code in {400, 404}
    assert server.objects("dispute") == []


def test_dispute_webhook_can_be_duplicated(server: Server, client: StripeClient) -> None:
    endpoint = {"url": "http://127.0.0.1:1/hook", "enabled_events": ["charge.dispute.created"]}
    client.v1.webhook_endpoints.create(endpoint)  # pyright: ignore[reportArgumentType]  # a plain dictionary
    server.fault("WEBHOOK charge.dispute.*", "duplicate")

    open_dispute(server, pay(client))

    assert len(server.deliveries()) == 2
