"""Tests of payouts at the local Stripe server: paid once, on time, and called back."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from common.events import (
    PaymentUpdated,
    PayoutState,
    TransfersStatus,
)
from common.testing.client import Client, make_user
from common.testing.events import EventProbe
from common.testing.polling import eventually
from payments.domain.charge import Charge
from payments.seller_testing import (
    AVAILABLE_AT_ONCE,
    SellerProbe,
    make_seller,
    onboard,
    sell,
    wait_for_payout,
)
from payments.testing import PRICE, FakeOrders, StripeProbe, find_charge, pay, wait_for_status

ServePayments = Callable[..., Awaitable[Client]]
FEE = 99
NET = PRICE - FEE
TRANSFER = "POST /v1/transfers"
REVERSAL = "POST /v1/transfers/*/reversals"
LOST: dict[str, Any] = {"action": "drop_after", "times": 3}
NOT_ARRIVED: dict[str, Any] = {"action": "drop_before", "times": 3}
FAILED: dict[str, Any] = {"action": "status", "status": 500, "stored": True, "times": 1}


@pytest.fixture
async def payments(serve_payments: ServePayments) -> Client:
    return await serve_payments(
        payment_lease_seconds=1, payout_retry_seconds=1, platform_fee_basis_points=500
    )


@pytest.fixture
def sellers(stripe_probe: StripeProbe) -> SellerProbe:
    return SellerProbe(stripe_probe)


async def test_due_payout_is_transferred_once_with_the_net_of_the_sale(
    payments: Client, orders: FakeOrders, sellers: SellerProbe, published: EventProbe
) -> None:
    seller = await make_seller(payments, sellers)

    order_id = await sell(payments, orders, seller)

    charge = await wait_for_payout(payments, order_id, PayoutState.SENT)
    (transfer,) = await sellers.transfers(order_id)
    assert charge.payout is not None
    assert (transfer.id, transfer.amount) == (charge.payout.transfer_id, NET)
    assert (charge.fee, charge.net) == (FEE, NET)
    account_id = await sellers.account_id(payments, seller)
    assert (transfer.destination, transfer.source_transaction) == (
        account_id,
        charge.stripe_charge_id,
    )
    assert await sellers.balance(account_id) == NET

    async def states() -> bool:
        events = await published.all(PaymentUpdated)
        seen = [event.payout.state for event in events if event.payout is not None]
        return seen[-2:] == [PayoutState.SENDING, PayoutState.SENT]

    assert await eventually(states)


async def test_card_that_buyer_and_seller_share_is_recorded_and_the_payout_made(
    payments: Client, orders: FakeOrders, sellers: SellerProbe, published: EventProbe
) -> None:
    seller = await make_seller(payments, sellers)
    bought = await orders.place(seller)
    payments.sign_in(seller)
    assert (await pay(payments, bought)).status_code == 201

    order_id = await sell(payments, orders, seller)
    other_card = await sell(payments, orders, seller, token="tok_mastercard")

    charge = await wait_for_payout(payments, order_id, PayoutState.SENT)
    assert charge.shares_card
    assert not (await wait_for_payout(payments, other_card, PayoutState.SENT)).shares_card
    assert charge.card is not None
    assert charge.card.fingerprint is not None
    events = [event.model_dump_json() for event in await published.all(PaymentUpdated)]
    assert charge.card.fingerprint not in "".join(events)


async def test_payout_that_is_not_due_waits(
    payments: Client, orders: FakeOrders, sellers: SellerProbe
) -> None:
    seller = await make_seller(payments, sellers)

    waiting = await sell(payments, orders, seller, days=1)
    due = await sell(payments, orders, seller)

    await wait_for_payout(payments, due, PayoutState.SENT)
    charge = await wait_for_payout(payments, waiting, PayoutState.HELD)
    assert charge.reconcile_at == charge.release_at
    assert await sellers.transfers(waiting) == []


@pytest.mark.parametrize("fault", [LOST, NOT_ARRIVED, FAILED], ids=["lost", "not arrived", "500"])
@pytest.mark.parametrize("keys", ["remembered", "forgotten"])
async def test_transfer_with_an_unknown_outcome_is_made_once(
    payments: Client,
    orders: FakeOrders,
    sellers: SellerProbe,
    stripe_probe: StripeProbe,
    fault: dict[str, Any],
    keys: str,
) -> None:
    seller = await make_seller(payments, sellers)
    await stripe_probe.inject_fault(TRANSFER, **fault)

    order_id = await sell(payments, orders, seller)

    await stripe_probe.wait_until_used(fault)
    if keys == "forgotten":
        await sellers.forget_keys()
    charge = await wait_for_payout(payments, order_id, PayoutState.SENT)
    (transfer,) = await sellers.transfers(order_id)
    assert charge.payout is not None
    assert charge.payout.transfer_id == transfer.id


@pytest.mark.parametrize("state", ["pending", "restricted", "rejected"])
async def test_payout_waits_until_the_account_is_active(
    payments: Client, orders: FakeOrders, sellers: SellerProbe, state: str
) -> None:
    seller = await make_seller(payments, sellers, state)

    order_id = await sell(payments, orders, seller)

    charge = await wait_for_payout(payments, order_id, PayoutState.FROZEN)
    assert charge.payout is not None
    assert charge.payout.reason == "account_not_ready"
    assert await sellers.transfers(order_id) == []
    await sellers.set_transfers(payments, seller, "active")
    await wait_for_payout(payments, order_id, PayoutState.SENT)


async def test_seller_without_an_account_costs_no_call_and_is_paid_once_there_is_one(
    payments: Client, orders: FakeOrders, sellers: SellerProbe
) -> None:
    seller = make_user()

    order_id = await sell(payments, orders, seller)

    charge = await wait_for_payout(payments, order_id, PayoutState.FROZEN)
    assert charge.payout is not None
    assert charge.payout.reason == "no_account"
    await onboard(payments, seller)
    await sellers.set_transfers(payments, seller, "active")
    payments.sign_in(seller)
    shown = (await payments.get("/api/payments/seller")).json()
    assert shown["transfers"] == TransfersStatus.ACTIVE
    await wait_for_payout(payments, order_id, PayoutState.SENT)
    assert len(await sellers.transfers(order_id)) == 1


@pytest.mark.parametrize("fault", [None, LOST, NOT_ARRIVED], ids=["", "lost", "not arrived"])
async def test_refund_after_the_payout_goes_first_and_recalls_it(
    payments: Client,
    orders: FakeOrders,
    sellers: SellerProbe,
    stripe_probe: StripeProbe,
    fault: dict[str, Any] | None,
) -> None:
    seller = await make_seller(payments, sellers)
    order_id = await sell(payments, orders, seller)
    await wait_for_payout(payments, order_id, PayoutState.SENT)
    if fault is not None:
        await stripe_probe.inject_fault(REVERSAL, **fault)

    await orders.return_order(order_id)

    charge = await wait_for_payout(payments, order_id, PayoutState.RECALLED)
    (transfer,) = await sellers.transfers(order_id)
    assert (transfer.amount_reversed, len(transfer.reversals.data)) == (NET, 1)
    (refund,) = await stripe_probe.refunds(order_id)
    assert charge.stripe_refund_id == refund.id
    assert refund.created <= transfer.reversals.data[0].created
    assert await sellers.balance(await sellers.account_id(payments, seller)) == 0


async def test_refund_that_races_the_transfer_recalls_it(
    payments: Client, orders: FakeOrders, sellers: SellerProbe, stripe_probe: StripeProbe
) -> None:
    seller = await make_seller(payments, sellers)
    await stripe_probe.inject_fault(TRANSFER, **LOST)
    order_id = await sell(payments, orders, seller)

    async def transferred() -> bool:
        return bool(await sellers.transfers(order_id))

    await eventually(transferred)
    await orders.return_order(order_id)

    await wait_for_payout(payments, order_id, PayoutState.RECALLED)
    await wait_for_status(payments, order_id, "refunded")
    (transfer,) = await sellers.transfers(order_id)
    assert transfer.amount == transfer.amount_reversed


async def test_refund_before_the_payout_voids_it(
    payments: Client, orders: FakeOrders, sellers: SellerProbe
) -> None:
    seller = await make_seller(payments, sellers)
    order_id = await sell(payments, orders, seller, days=1)

    await orders.return_order(order_id)

    await wait_for_status(payments, order_id, "refunded")
    await wait_for_payout(payments, order_id, PayoutState.VOID)
    assert await sellers.transfers(order_id) == []


async def test_what_cannot_be_recalled_is_owed_and_kept_from_the_next_payout(
    payments: Client, orders: FakeOrders, sellers: SellerProbe
) -> None:
    seller = await make_seller(payments, sellers)
    order_id = await sell(payments, orders, seller, token=AVAILABLE_AT_ONCE)
    await wait_for_payout(payments, order_id, PayoutState.SENT)
    account_id = await sellers.account_id(payments, seller)
    await sellers.pay_out(account_id, NET)

    await orders.return_order(order_id)
    short = await wait_for_payout(payments, order_id, PayoutState.SHORT)
    next_order_id = await sell(payments, orders, seller, price=3 * PRICE)

    assert short.payout is not None
    assert short.payout.reason == "balance_insufficient"
    paid = await wait_for_payout(payments, next_order_id, PayoutState.SENT)
    (transfer,) = await sellers.transfers(next_order_id)
    assert paid.net is not None
    assert transfer.amount == paid.net - NET
    payments.sign_in(seller)
    totals = (await payments.get("/api/payments/earnings")).json()["totals"]
    assert totals["owed"] == 0


async def test_reversal_refused_because_another_came_first_leaves_no_debt(
    serve_payments: ServePayments,
    orders: FakeOrders,
    sellers: SellerProbe,
    stripe_probe: StripeProbe,
) -> None:
    payments = await serve_payments(payment_lease_seconds=60)  # only one call is delayed
    seller = await make_seller(payments, sellers)
    order_id = await sell(payments, orders, seller)
    await wait_for_payout(payments, order_id, PayoutState.SENT)
    (transfer,) = await sellers.transfers(order_id)
    held: dict[str, Any] = {"action": "delay", "delay_ms": 60_000}
    await stripe_probe.inject_fault(REVERSAL, **held)

    await orders.return_order(order_id)

    await stripe_probe.wait_until_used(held)
    await stripe_probe.api.transfers.reversals.create_async(transfer.id)
    await stripe_probe.clear_faults()

    charge = await wait_for_payout(payments, order_id, PayoutState.RECALLED)
    assert charge.payout is not None
    assert charge.payout.reversed == transfer.amount
    payments.sign_in(seller)
    totals = (await payments.get("/api/payments/earnings")).json()["totals"]
    assert totals["owed"] == 0


async def test_debt_stays_if_the_money_goes_back_while_it_is_withheld(
    serve_payments: ServePayments,
    orders: FakeOrders,
    sellers: SellerProbe,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    payments = await serve_payments(payment_lease_seconds=60, payout_retry_seconds=1)
    seller = await make_seller(payments, sellers)
    first = await sell(payments, orders, seller, token=AVAILABLE_AT_ONCE)
    await wait_for_payout(payments, first, PayoutState.SENT)
    await sellers.pay_out(await sellers.account_id(payments, seller), PRICE)
    await orders.return_order(first)
    await wait_for_payout(payments, first, PayoutState.SHORT)
    service = payments.app.state.service.sellers
    withhold, returned = service.withhold, list[str]()

    async def withhold_and_return(charge: Charge) -> int:
        withheld = await withhold(charge)
        if not returned:
            returned.append(charge.order_id)
            await orders.return_order(charge.order_id)
        return withheld

    monkeypatch.setattr(service, "withhold", withhold_and_return)

    order_id = await sell(payments, orders, seller, price=3 * PRICE)

    charge = await wait_for_payout(payments, order_id, PayoutState.RECALLED)
    assert returned == [order_id]
    assert charge.payout is not None
    assert charge.payout.withheld == 0

    async def is_owed() -> bool:
        payments.sign_in(seller)
        totals = (await payments.get("/api/payments/earnings")).json()["totals"]
        return totals["owed"] == PRICE / 100

    assert await eventually(is_owed)


async def test_pause_by_an_operator_holds_the_payout(
    payments: Client, orders: FakeOrders, sellers: SellerProbe
) -> None:
    seller = await make_seller(payments, sellers)
    service = payments.app.state.service.sellers
    await service.pause(seller.id, is_paused=True)

    order_id = await sell(payments, orders, seller)
    charge = await wait_for_payout(payments, order_id, PayoutState.FROZEN)
    await service.pause(seller.id, is_paused=False)

    assert charge.payout is not None
    assert charge.payout.reason == "paused"
    await wait_for_payout(payments, order_id, PayoutState.SENT)
    assert (await find_charge(payments, order_id)) is not None
