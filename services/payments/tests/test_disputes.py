"""Tests of disputes: they freeze the payout, and decide who gets the money."""

from collections.abc import Awaitable, Callable

import pytest

from common.events import PayoutState
from common.testing.client import Client, make_user
from common.testing.polling import eventually
from payments.domain.charge import Charge
from payments.seller_testing import SellerProbe, make_seller, onboard, sell, wait_for_payout
from payments.testing import (
    PRICE,
    UNTIL_CLEARED,
    WEBHOOK_SECRET,
    FakeOrders,
    StripeProbe,
    deliver_webhook,
    find_charge,
    wait_for_status,
)

ServePayments = Callable[..., Awaitable[Client]]
REFUND = "POST /v1/refunds"
OLD_SECRET = "whsec_of_yesterday"


@pytest.fixture
async def payments(serve_payments: ServePayments) -> Client:
    return await serve_payments(
        payment_lease_seconds=1,
        payout_retry_seconds=1,
        stripe_webhook_secret=f"{OLD_SECRET},{WEBHOOK_SECRET}",
    )


@pytest.fixture
def sellers(stripe_probe: StripeProbe) -> SellerProbe:
    return SellerProbe(stripe_probe)


async def sold(payments: Client, order_id: str) -> Charge:
    """Return the charge of an order."""
    charge = await find_charge(payments, order_id)
    assert charge is not None
    return charge


async def wait_for_open_dispute(payments: Client, order_id: str) -> None:
    async def seen() -> bool:
        dispute = (await sold(payments, order_id)).dispute
        return dispute is not None and dispute.is_open

    await eventually(seen)


async def deliver_disputes(
    payments: Client, stripe_probe: StripeProbe, order_id: str, secret: str = WEBHOOK_SECRET
) -> None:
    """Deliver the events of all disputes of an order."""
    for event in await stripe_probe.events((await stripe_probe.intent(order_id)).id):
        if event["type"].startswith("charge.dispute."):
            response = await deliver_webhook(payments, event, secret=secret)
            assert response.status_code == 200


@pytest.mark.parametrize(
    ("outcome", "state"), [("won", PayoutState.HELD), ("lost", PayoutState.VOID)]
)
@pytest.mark.parametrize("secret", [WEBHOOK_SECRET, OLD_SECRET], ids=["new secret", "old secret"])
async def test_dispute_freezes_the_payout_by_its_webhook_until_it_is_decided(
    payments: Client,
    orders: FakeOrders,
    sellers: SellerProbe,
    stripe_probe: StripeProbe,
    outcome: str,
    state: PayoutState,
    secret: str,
) -> None:
    seller = await make_seller(payments, sellers)
    order_id = await sell(payments, orders, seller, days=1)
    dispute_id = await sellers.dispute(await sold(payments, order_id))

    await deliver_disputes(payments, stripe_probe, order_id, secret)
    frozen = await sold(payments, order_id)
    await sellers.decide(dispute_id, outcome)
    await deliver_disputes(payments, stripe_probe, order_id, secret)

    assert frozen.payout is not None
    assert (frozen.payout.state, frozen.payout.reason) == (PayoutState.FROZEN, "disputed")
    await wait_for_payout(payments, order_id, state)
    assert await sellers.transfers(order_id) == []


@pytest.mark.parametrize(
    ("outcome", "state"), [("won", PayoutState.SENT), ("lost", PayoutState.VOID)]
)
async def test_dispute_without_webhooks_is_found_before_the_payout(
    payments: Client,
    orders: FakeOrders,
    sellers: SellerProbe,
    outcome: str,
    state: PayoutState,
) -> None:
    seller = await make_seller(payments, sellers, "pending")
    order_id = await sell(payments, orders, seller)
    dispute_id = await sellers.dispute(await sold(payments, order_id))
    await sellers.set_transfers(payments, seller, "active")

    async def disputed() -> bool:
        payout = (await sold(payments, order_id)).payout
        return payout is not None and payout.reason == "disputed"

    await eventually(disputed)
    assert await sellers.transfers(order_id) == []
    await sellers.decide(dispute_id, outcome)

    await wait_for_payout(payments, order_id, state)
    assert len(await sellers.transfers(order_id)) == (1 if outcome == "won" else 0)


async def test_dispute_lost_after_the_payout_recalls_it(
    payments: Client, orders: FakeOrders, sellers: SellerProbe, stripe_probe: StripeProbe
) -> None:
    seller = await make_seller(payments, sellers)
    order_id = await sell(payments, orders, seller)
    await wait_for_payout(payments, order_id, PayoutState.SENT)

    dispute_id = await sellers.dispute(await sold(payments, order_id))
    await deliver_disputes(payments, stripe_probe, order_id)
    open_charge = await sold(payments, order_id)
    await sellers.decide(dispute_id, "lost")
    await deliver_disputes(payments, stripe_probe, order_id)

    assert open_charge.payout is not None
    assert open_charge.payout.state is PayoutState.SENT
    await wait_for_payout(payments, order_id, PayoutState.RECALLED)
    assert await sellers.balance(await sellers.account_id(payments, seller)) == 0


async def test_lost_part_of_a_payment_reduces_the_payout(
    payments: Client, orders: FakeOrders, sellers: SellerProbe, stripe_probe: StripeProbe
) -> None:
    seller = await make_seller(payments, sellers)
    order_id = await sell(payments, orders, seller)
    await wait_for_payout(payments, order_id, PayoutState.SENT)

    dispute_id = await sellers.dispute(await sold(payments, order_id), amount=500)
    await sellers.decide(dispute_id, "lost")
    await deliver_disputes(payments, stripe_probe, order_id)

    await wait_for_payout(payments, order_id, PayoutState.RECALLED)
    assert await sellers.balance(await sellers.account_id(payments, seller)) == PRICE - 500


@pytest.mark.parametrize(
    ("is_inquiry", "outcome", "status", "refunds"),
    [
        (True, "won", "refunded", 1),
        (False, "lost", "refunded", 0),
        (False, "won", "refunded", 1),
    ],
)
async def test_nothing_is_refunded_while_a_dispute_is_open(
    payments: Client,
    orders: FakeOrders,
    sellers: SellerProbe,
    stripe_probe: StripeProbe,
    *,
    is_inquiry: bool,
    outcome: str,
    status: str,
    refunds: int,
) -> None:
    seller = await make_seller(payments, sellers)
    order_id = await sell(payments, orders, seller, days=1)
    dispute_id = await sellers.dispute(await sold(payments, order_id), inquiry=is_inquiry)

    await orders.return_order(order_id)

    await wait_for_open_dispute(payments, order_id)
    assert (await sold(payments, order_id)).status == "refund_pending"
    await sellers.decide(dispute_id, outcome)
    await wait_for_status(payments, order_id, status)
    assert len(await stripe_probe.refunds(order_id)) == refunds


@pytest.mark.parametrize(("outcome", "refunds"), [("lost", 0), ("won", 1)])
async def test_refund_refused_because_a_dispute_began_waits_for_the_bank(
    payments: Client,
    orders: FakeOrders,
    sellers: SellerProbe,
    stripe_probe: StripeProbe,
    outcome: str,
    refunds: int,
) -> None:
    seller = await make_seller(payments, sellers)
    order_id = await sell(payments, orders, seller, days=1)
    await stripe_probe.inject_fault(REFUND, **UNTIL_CLEARED)
    await orders.return_order(order_id)

    await stripe_probe.wait_until_used(UNTIL_CLEARED)
    dispute_id = await sellers.dispute(await sold(payments, order_id))
    await stripe_probe.clear_faults()

    await wait_for_open_dispute(payments, order_id)
    assert (await sold(payments, order_id)).status == "refund_pending"
    await sellers.decide(dispute_id, outcome)
    await wait_for_status(payments, order_id, "refunded")
    assert len(await stripe_probe.refunds(order_id)) == refunds


async def test_payout_is_recalled_only_after_the_buyer_is_refunded(
    payments: Client, orders: FakeOrders, sellers: SellerProbe
) -> None:
    """The refund waits for the bank, so what the seller has waits too."""
    seller = await make_seller(payments, sellers)
    order_id = await sell(payments, orders, seller)
    await wait_for_payout(payments, order_id, PayoutState.SENT)
    dispute_id = await sellers.dispute(await sold(payments, order_id), inquiry=True)
    await orders.return_order(order_id)

    for _ in range(2):
        await payments.app.state.service.sync.sync_with_stripe(await sold(payments, order_id))

    (transfer,) = await sellers.transfers(order_id)
    assert transfer.amount_reversed == 0
    await sellers.decide(dispute_id, "won")
    await wait_for_payout(payments, order_id, PayoutState.RECALLED)


async def test_thin_event_brings_the_account_of_its_seller_up_to_date(
    payments: Client, sellers: SellerProbe
) -> None:
    seller = make_user()
    await onboard(payments, seller)
    account_id = await sellers.set_transfers(payments, seller, "active")

    answers = [
        await deliver_webhook(payments, thin_event(account)) for account in (account_id, "acct_x")
    ]

    assert [answer.status_code for answer in answers] == [200, 200]
    stored = await payments.app.state.service.sellers.find(seller.id)
    assert stored.transfers == "active"
    unsigned = await deliver_webhook(payments, thin_event(account_id), secret="whsec_wrong")
    assert unsigned.status_code == 400


def thin_event(account_id: str) -> dict[str, object]:
    return {
        "id": f"evt_{account_id}",
        "object": "v2.core.event",
        "type": "v2.core.account[requirements].updated",
        "related_object": {"id": account_id, "type": "v2.core.account", "url": "/v2/x"},
    }
