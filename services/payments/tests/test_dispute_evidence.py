"""Tests of what the bank of a buyer is sent about a dispute: once, in time, and only if it asks."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import stripe

from common.events import OrderStatus, OrderUpdated, PayoutState
from common.testing.client import Client
from common.testing.polling import eventually
from common.values.clock import utc_now
from payments.domain.charge import Charge
from payments.domain.evidence import Evidence
from payments.seller_testing import SellerProbe, make_seller, sell, wait_for_payout
from payments.testing import FakeOrders, StripeProbe, find_charge, wait_for_status

ServePayments = Callable[..., Awaitable[Client]]
SUBMIT = "POST /v1/disputes/*"


@pytest.fixture
async def payments(serve_payments: ServePayments) -> Client:
    return await serve_payments(
        payment_lease_seconds=1, payout_retry_seconds=1, dispute_search_seconds=0.2
    )


@pytest.fixture
def sellers(stripe_probe: StripeProbe) -> SellerProbe:
    return SellerProbe(stripe_probe)


async def find_evidence(payments: Client, order_id: str) -> tuple[Evidence, ...]:
    charge = await find_charge(payments, order_id)
    assert charge is not None
    return charge.evidence


async def wait_for_evidence(payments: Client, order_id: str, count: int = 1) -> None:
    """Wait until payments knows that Stripe has the evidence of each dispute."""

    async def submitted() -> bool:
        evidence = await find_evidence(payments, order_id)
        return len(evidence) == count and all(each.submitted_at for each in evidence)

    await eventually(submitted)


async def disputes_of(stripe_probe: StripeProbe, order_id: str) -> list[stripe.Dispute]:
    intent = await stripe_probe.intent(order_id)
    return (await stripe_probe.api.disputes.list_async({"payment_intent": intent.id})).data


async def paid(payments: Client, order_id: str) -> Charge:
    return await wait_for_status(payments, order_id, "succeeded")


async def test_evidence_with_the_reveal_log_is_submitted_once_without_any_webhook(
    payments: Client, orders: FakeOrders, sellers: SellerProbe, stripe_probe: StripeProbe
) -> None:
    seller = await make_seller(payments, sellers)
    order_id = await sell(payments, orders, seller, days=30)
    revealed_at = utc_now().replace(microsecond=0)
    await orders.publish(
        order_id,
        OrderUpdated,
        version=3,
        status=OrderStatus.COMPLETE,
        created_at=revealed_at,
        revealed_at=revealed_at,
    )
    await sellers.dispute(await paid(payments, order_id))

    await wait_for_evidence(payments, order_id)

    (dispute,) = await disputes_of(stripe_probe, order_id)
    assert (dispute.status, dispute.evidence_details.submission_count) == ("under_review", 1)
    log = dispute.evidence.access_activity_log or ""
    assert f"{revealed_at:%Y-%m-%d %H:%M:%S} UTC: account" in log
    assert "opened the original of the ticket" in log
    assert "Front row" in (dispute.evidence.product_description or "")
    charge = await wait_for_payout(payments, order_id, PayoutState.FROZEN)
    assert [each.refusals for each in charge.evidence] == [0]


async def test_inquiry_freezes_the_payout_and_is_answered_when_it_escalates(
    payments: Client, orders: FakeOrders, sellers: SellerProbe, stripe_probe: StripeProbe
) -> None:
    seller = await make_seller(payments, sellers)
    order_id = await sell(payments, orders, seller, days=30)
    dispute_id = await sellers.dispute(await paid(payments, order_id), inquiry=True)
    await wait_for_payout(payments, order_id, PayoutState.FROZEN)
    assert await find_evidence(payments, order_id) == ()

    # The test text of Stripe makes the bank turn the inquiry into a dispute.
    await stripe_probe.api.disputes.update_async(
        dispute_id, {"evidence": {"uncategorized_text": "escalate_inquiry_evidence"}}
    )

    await wait_for_evidence(payments, order_id)
    (dispute,) = await disputes_of(stripe_probe, order_id)
    assert (dispute.status, dispute.evidence_details.submission_count) == ("under_review", 2)


async def test_each_of_two_disputes_gets_evidence_and_counts_with_its_part(
    payments: Client, orders: FakeOrders, sellers: SellerProbe, stripe_probe: StripeProbe
) -> None:
    seller = await make_seller(payments, sellers)
    order_id = await sell(payments, orders, seller)
    charge = await wait_for_payout(payments, order_id, PayoutState.SENT)
    first, second = [await sellers.dispute(charge, amount=500) for _ in range(2)]

    await wait_for_evidence(payments, order_id, count=2)

    assert [
        each.evidence_details.submission_count for each in await disputes_of(stripe_probe, order_id)
    ] == [1, 1]
    await sellers.decide(first, "won")
    await sellers.decide(second, "lost")
    charge = await wait_for_payout(payments, order_id, PayoutState.RECALLED)
    account_id = await sellers.account_id(payments, seller)
    assert charge.net is not None
    assert await sellers.balance(account_id) == charge.net - 500


async def test_evidence_names_the_refund_of_a_payment_that_is_disputed_later(
    payments: Client, orders: FakeOrders, sellers: SellerProbe, stripe_probe: StripeProbe
) -> None:
    seller = await make_seller(payments, sellers)
    order_id = await sell(payments, orders, seller, days=1)
    await paid(payments, order_id)
    await orders.return_order(order_id)
    charge = await wait_for_status(payments, order_id, "refunded")

    await sellers.dispute(charge)

    await wait_for_evidence(payments, order_id)
    (dispute,) = await disputes_of(stripe_probe, order_id)
    assert charge.stripe_refund_id is not None
    assert charge.stripe_refund_id in (dispute.evidence.uncategorized_text or "")
    assert len(await stripe_probe.refunds(order_id)) == 1


async def test_no_evidence_against_a_buyer_whose_money_goes_back(
    serve_payments: ServePayments,
    orders: FakeOrders,
    sellers: SellerProbe,
    stripe_probe: StripeProbe,
) -> None:
    idle = await serve_payments(payment_reconcile_seconds=0, dispute_search_seconds=0)
    seller = await make_seller(idle, sellers)
    order_id = await sell(idle, orders, seller, days=1)
    dispute_id = await sellers.dispute(await paid(idle, order_id))
    await orders.return_order(order_id)
    await wait_for_status(idle, order_id, "refund_pending")

    await serve_payments(payment_lease_seconds=1, payout_retry_seconds=1)

    async def is_dispute_known() -> bool:
        charge = await find_charge(idle, order_id)
        return charge is not None and charge.dispute is not None

    await eventually(is_dispute_known)
    await sellers.decide(dispute_id, "lost")
    await wait_for_status(idle, order_id, "refunded")
    (dispute,) = await disputes_of(stripe_probe, order_id)
    assert dispute.evidence_details.submission_count == 0
    assert await stripe_probe.refunds(order_id) == []


@pytest.mark.parametrize(
    "fault",
    [
        {"action": "status", "status": 500, "stored": True},
        {"action": "drop_before", "times": 3},
        {"action": "drop_after", "times": 3},
    ],
    ids=["stored error", "not arrived", "answer lost"],
)
async def test_failed_call_submits_the_evidence_once_in_the_end(
    payments: Client,
    orders: FakeOrders,
    sellers: SellerProbe,
    stripe_probe: StripeProbe,
    fault: dict[str, Any],
) -> None:
    seller = await make_seller(payments, sellers)
    order_id = await sell(payments, orders, seller, days=30)
    await stripe_probe.inject_fault(SUBMIT, **fault)

    await sellers.dispute(await paid(payments, order_id))

    await wait_for_evidence(payments, order_id)
    (dispute,) = await disputes_of(stripe_probe, order_id)
    assert dispute.evidence_details.submission_count == 1
