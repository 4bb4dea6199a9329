"""Tests of the comparison of payments with the balance at Stripe, to the cent."""

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import pytest
from prometheus_client import REGISTRY

from common.events import ChargeStatus, DisputeStatus, OrderStatus, PayoutState
from common.persistence.lease import Lease
from common.testing.client import Client
from common.testing.polling import eventually
from common.values.clock import utc_now
from common.values.ids import new_id
from payments.daily_reconciliation import LEASE_TTL, run_daily_reconciliation
from payments.domain.charge import Charge, new_charge
from payments.domain.ledger import (
    BalanceTransaction,
    Line,
    Reconciliation,
    StripeLedger,
    compare,
    compare_balance,
    held_amount,
)
from payments.domain.order import Order
from payments.domain.payout import Payout
from payments.domain.stripe_objects import Dispute
from payments.reconciliation import Comparison, look, reconcile
from payments.seller_testing import SellerProbe, make_seller, sell, wait_for_payout
from payments.store.ledger import Ledger
from payments.testing import PRICE, FakeOrders, StripeProbe, wait_for_status

ServePayments = Callable[..., Awaitable[Client]]
FEE: Final = 99
NET: Final = PRICE - FEE
STRIPE_FEE: Final = 88
NOW: Final = datetime(2030, 1, 1, 12, tzinfo=UTC)
ORDER: Final = Order(new_id(), new_id(), PRICE, OrderStatus.COMPLETE, NOW, seller_id=new_id())
PAID: Final = BalanceTransaction(Line.PAID, PRICE, STRIPE_FEE, PRICE - STRIPE_FEE, owner="pi_1")
REFUND: Final = BalanceTransaction(Line.REFUNDED, -PRICE, 0, -PRICE, owner="pi_1")
DISPUTE: Final = BalanceTransaction(Line.DISPUTED, -PRICE, 1500, -PRICE - 1500, owner="pi_1")
DISPUTE_WON: Final = BalanceTransaction(Line.DISPUTED, PRICE, 0, PRICE, owner="pi_1")
SENT: Final = Payout(PayoutState.SENT, amount=NET, transfer_id="tr_1")


def charge(status: ChargeStatus, **fields: Any) -> Charge:
    new = new_charge(ORDER, intent_id="pi_1", now=NOW)
    return replace(new, **{"status": status, "net": NET, "fee": FEE, **fields})


def transfer(amount: int, *, owner: str | None = None) -> BalanceTransaction:
    return BalanceTransaction(Line.SENT, amount, 0, amount, owner=owner, transfer_id="tr_1")


def stripe_ledger(*transactions: BalanceTransaction) -> StripeLedger:
    ledger = StripeLedger()
    for transaction in transactions:
        ledger.add(transaction)
    ledger.assign_transfers()
    return ledger


def dispute(status: DisputeStatus, amount: int = PRICE) -> Dispute:
    return Dispute("du_1", status, amount)


SALE: Final = charge(ChargeStatus.SUCCEEDED)
AGREEING: Final[dict[str, tuple[Charge, list[BalanceTransaction]]]] = {
    "unpaid": (charge(ChargeStatus.PROCESSING), []),
    "paid": (SALE, [PAID]),
    "refunded": (charge(ChargeStatus.REFUNDED, stripe_refund_id="re_1"), [PAID, REFUND]),
    "refund pending": (
        charge(ChargeStatus.REFUND_PENDING, stripe_refund_id="re_1"),
        [PAID, REFUND],
    ),
    "refund not begun": (charge(ChargeStatus.REFUND_PENDING), [PAID]),
    "refund failed": (charge(ChargeStatus.REFUND_FAILED, stripe_refund_id="re_1"), [PAID]),
    "refunded by hand": (charge(ChargeStatus.REFUND_FAILED), [PAID, REFUND]),
    "sent": (replace(SALE, payout=SENT), [PAID, transfer(-NET, owner=SALE.id)]),
    "sent, a part came back": (
        replace(SALE, payout=replace(SENT, reversed=500)),
        [PAID, transfer(500), transfer(-NET, owner=SALE.id)],
    ),
    "second round": (
        replace(SALE, payout=replace(SENT, round=2, transfer_id="tr_2")),
        [
            PAID,
            transfer(-NET, owner=SALE.id),
            transfer(NET),
            replace(transfer(-NET, owner=SALE.id), transfer_id="tr_2"),
        ],
    ),
    "inquiry": (replace(SALE, dispute=dispute(DisputeStatus.INQUIRY)), [PAID]),
    "dispute open": (replace(SALE, dispute=dispute(DisputeStatus.OPEN)), [PAID, DISPUTE]),
    "dispute won": (
        replace(SALE, dispute=dispute(DisputeStatus.WON)),
        [PAID, DISPUTE, DISPUTE_WON],
    ),
    "dispute lost": (replace(SALE, dispute=dispute(DisputeStatus.LOST)), [PAID, DISPUTE]),
    "rest refunded after a part was lost": (
        charge(
            ChargeStatus.REFUNDED,
            stripe_refund_id="re_1",
            dispute=dispute(DisputeStatus.LOST, 500),
        ),
        [PAID, replace(DISPUTE, amount=-500), replace(REFUND, amount=500 - PRICE)],
    ),
    "charged back": (
        charge(ChargeStatus.REFUNDED, dispute=dispute(DisputeStatus.LOST)),
        [PAID, DISPUTE],
    ),
}
DIFFERING: Final[dict[str, tuple[Charge, list[BalanceTransaction], Line, int, int]]] = {
    "payment that Stripe lacks": (SALE, [], Line.PAID, PRICE, 0),
    "payment that we lack": (charge(ChargeStatus.PROCESSING), [PAID], Line.PAID, 0, PRICE),
    "charged twice": (SALE, [PAID, PAID], Line.PAID, PRICE, 2 * PRICE),
    "a cent less": (
        SALE,
        [replace(PAID, amount=PRICE - 1)],
        Line.PAID,
        PRICE,
        PRICE - 1,
    ),
    "refund that we lack": (SALE, [PAID, REFUND], Line.REFUNDED, 0, -PRICE),
    "refund that Stripe lacks": (
        charge(ChargeStatus.REFUNDED, stripe_refund_id="re_1"),
        [PAID],
        Line.REFUNDED,
        -PRICE,
        0,
    ),
    "part refunded of a failed refund": (
        charge(ChargeStatus.REFUND_FAILED),
        [PAID, replace(REFUND, amount=-1)],
        Line.REFUNDED,
        0,
        -1,
    ),
    "dispute that we lack": (SALE, [PAID, DISPUTE], Line.DISPUTED, 0, -PRICE),
    "dispute that was won after all": (
        replace(SALE, dispute=dispute(DisputeStatus.LOST)),
        [PAID, DISPUTE, DISPUTE_WON],
        Line.DISPUTED,
        -PRICE,
        0,
    ),
    "part lost": (
        replace(SALE, dispute=dispute(DisputeStatus.LOST, 500)),
        [PAID, DISPUTE],
        Line.DISPUTED,
        -500,
        -PRICE,
    ),
    "sent twice": (
        replace(SALE, payout=SENT),
        [
            PAID,
            transfer(-NET, owner=SALE.id),
            replace(transfer(-NET, owner=SALE.id), transfer_id="tr_2"),
        ],
        Line.SENT,
        -NET,
        -2 * NET,
    ),
    "transfer that we lack": (
        replace(SALE, payout=Payout(PayoutState.HELD)),
        [PAID, transfer(-NET, owner=SALE.id)],
        Line.SENT,
        0,
        -NET,
    ),
    "reversal by hand": (
        replace(SALE, payout=SENT),
        [PAID, transfer(1), transfer(-NET, owner=SALE.id)],
        Line.SENT,
        -NET,
        1 - NET,
    ),
}


@pytest.mark.parametrize(("stored", "transactions"), AGREEING.values(), ids=AGREEING.keys())
def test_charge_that_agrees_with_stripe_has_no_difference(
    stored: Charge, transactions: list[BalanceTransaction]
) -> None:
    ledger = stripe_ledger(*transactions)

    assert list(compare(stored, ledger.take(stored))) == []
    assert list(ledger.unknown()) == []
    assert ledger.balance == sum(transaction.net for transaction in transactions)


@pytest.mark.parametrize(
    ("stored", "transactions", "line", "here", "there"), DIFFERING.values(), ids=DIFFERING.keys()
)
def test_charge_that_differs_from_stripe_is_found_to_the_cent(
    stored: Charge, transactions: list[BalanceTransaction], line: Line, here: int, there: int
) -> None:
    (found,) = compare(stored, stripe_ledger(*transactions).take(stored))

    assert (found.subject, found.what) == (f"charge {stored.id}", line)
    assert (found.stored, found.at_stripe) == (here, there)


def test_money_of_no_charge_is_found() -> None:
    ledger = stripe_ledger(
        PAID, replace(REFUND, amount=-500), transfer(-NET), replace(PAID, owner="pi_2")
    )
    found = {one.subject: one.at_stripe for one in ledger.unknown()}

    assert found == {"payment pi_1": PRICE - 500, "payment pi_2": PRICE, "transfer of tr_1": -NET}


@pytest.mark.parametrize(("before", "lacking"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_balance_that_is_not_the_sum_of_all_transactions_is_found_if_no_money_moved(
    before: int, lacking: int
) -> None:
    ledger = stripe_ledger(PAID, DISPUTE)
    balance = PAID.net + DISPUTE.net - lacking

    found = [
        (one.stored, one.at_stripe)
        for one in compare_balance(ledger, before=balance + before, after=balance)
    ]

    assert found == ([(-1588, -1589)] if lacking and not before else [])


@pytest.mark.parametrize(
    ("payout", "transactions", "held"),
    [
        (Payout(PayoutState.HELD), [PAID], NET),
        (Payout(PayoutState.FROZEN, withheld=500), [PAID], NET - 500),
        (Payout(PayoutState.SENDING), [PAID], NET),
        (Payout(PayoutState.SENDING), [PAID, transfer(-NET, owner=SALE.id)], 0),
        (SENT, [PAID, transfer(-NET, owner=SALE.id)], 0),
    ],
)
def test_what_is_held_is_what_stripe_has_not_sent(
    payout: Payout, transactions: list[BalanceTransaction], held: int
) -> None:
    stored = replace(SALE, payout=payout)

    assert held_amount(stored, stripe_ledger(*transactions).take(stored)) == held


@pytest.fixture
async def payments(serve_payments: ServePayments) -> Client:
    return await serve_payments(
        payment_lease_seconds=1,
        payout_retry_seconds=1,
        platform_fee_basis_points=500,
        payment_daily_reconciliation=False,
        dispute_search_seconds=0,
    )


@pytest.fixture
def sellers(stripe_probe: StripeProbe) -> SellerProbe:
    return SellerProbe(stripe_probe)


async def test_every_line_of_the_ledger_agrees_with_stripe_until_something_is_changed_there(
    payments: Client, orders: FakeOrders, sellers: SellerProbe, stripe_probe: StripeProbe
) -> None:
    seller = await make_seller(payments, sellers)
    waiting = await sell(payments, orders, seller, days=1)
    paid = await sell(payments, orders, seller)
    returned = await sell(payments, orders, seller)
    lost = await sell(payments, orders, seller)
    mine: set[str] = set()
    for order_id in (paid, returned, lost):
        stored = await wait_for_payout(payments, order_id, PayoutState.SENT)
        mine |= {f"charge {stored.id}", f"payment {stored.stripe_id}"}
    held = await wait_for_payout(payments, waiting, PayoutState.HELD)
    mine |= {f"charge {held.id}", f"payment {held.stripe_id}"}
    await orders.return_order(returned)
    await wait_for_payout(payments, returned, PayoutState.RECALLED)
    await wait_for_status(payments, returned, "refunded")
    dispute_id = await sellers.dispute(stored, amount=500)
    await sellers.decide(dispute_id, "lost")
    service = payments.app.state.service
    ledger, stripe = Ledger(service.running.database), service.gateway.balance

    async def differences() -> list[tuple[str, int, int]]:
        found = await look(ledger, stripe)
        assert found.held == NET
        return [
            (one.what, one.stored, one.at_stripe)
            for one in found.differences
            if one.subject in mine
        ]

    unknown_dispute = await differences()
    await service.sync._disputes.refresh(stored)
    await service.sync.sync_with_stripe(await service.sync._store.get(stored.id))
    await wait_for_payout(payments, lost, PayoutState.RECALLED)
    agreeing = await differences()
    (sent,) = await sellers.transfers(paid)
    await stripe_probe.api.transfers.reversals.create_async(sent.id, {"amount": 1})
    foreign = await stripe_probe.api.payment_intents.create_async(
        {
            "amount": 77,
            "currency": "usd",
            "payment_method": "pm_card_visa",
            "confirm": True,
            "allowed_payment_method_types": ["card"],
        }
    )
    mine.add(f"payment {foreign.id}")
    await stripe_probe.api.refunds.create_async({"payment_intent": held.stripe_id, "amount": 3})

    assert unknown_dispute == [(Line.DISPUTED, 0, -500)]
    assert agreeing == []
    assert sorted(await differences()) == [
        (Line.PAID, 0, 77),
        (Line.REFUNDED, 0, -3),
        (Line.SENT, -NET, 1 - NET),
    ]


@pytest.mark.parametrize("look_with_difference", [0, 1])
async def test_reconciliation_counts_only_what_differs_twice(
    payments: Client,
    orders: FakeOrders,
    sellers: SellerProbe,
    monkeypatch: pytest.MonkeyPatch,
    look_with_difference: int,
) -> None:
    seller = await make_seller(payments, sellers)
    order_id = await sell(payments, orders, seller, days=1)
    held = await wait_for_payout(payments, order_id, PayoutState.HELD)
    service = payments.app.state.service
    ledger, stripe = Ledger(service.running.database), service.gateway.balance
    looks: list[Comparison] = []

    async def look_at_a_change(*arguments: Any) -> Comparison:
        """Look while the payment is not stored in one of the looks, as if it were just made."""
        charges = service.running.database["charges"]
        status = "processing" if len(looks) == look_with_difference else "succeeded"
        await charges.update_one({"stripe_id": held.stripe_id}, {"$set": {"status": status}})
        looks.append(await look(*arguments))
        return looks[-1]

    monkeypatch.setattr("payments.reconciliation.look", look_at_a_change)
    result, found = await reconcile(ledger, stripe, utc_now, recheck_seconds=0)

    subject = f"charge {held.id}"
    assert subject in {one.subject for one in looks[look_with_difference].differences}
    assert subject not in {one.subject for one in found.differences}
    assert result.differences == len(found.differences)
    assert await ledger.last(utc_now()) == replace(
        result, at=result.at.replace(microsecond=result.at.microsecond // 1000 * 1000)
    )


async def test_command_needs_only_the_database_and_stripe(
    payments: Client,
    orders: FakeOrders,
    sellers: SellerProbe,
    payments_environment: dict[str, Any],
) -> None:
    order_id = await sell(payments, orders, await make_seller(payments, sellers), days=1)
    await wait_for_payout(payments, order_id, PayoutState.HELD)
    needed = ("mongo_uri", "stripe_key", "stripe_api_base")
    command = (*("-m", "common.operations.cli"), "payments", "reconcile", "--recheck-seconds", "0")

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *command),
        env={name.upper(): str(payments_environment[name]) for name in needed},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await process.communicate())[0].decode()

    count = re.search(r"^held for sellers +19\.00\n.*\n(\d+) differences\n\Z", output, re.MULTILINE)
    assert count, output
    assert process.returncode == (1 if int(count[1]) else 0)
    last = await Ledger(payments.app.state.service.running.database).last(utc_now())
    assert (last.held, last.differences) == (NET, int(count[1]))


async def test_daily_reconciliation_runs_when_a_day_is_over_and_shows_its_result(
    payments: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = payments.app.state.service.running
    ledger = Ledger(running.database)
    stripe = payments.app.state.service.gateway.balance
    yesterday = utc_now().replace(microsecond=0) - timedelta(days=1)
    lease = Lease(running.database, "reconciliation of a test", LEASE_TTL, utc_now)
    at_once = partial(reconcile, recheck_seconds=0)
    monkeypatch.setattr("payments.daily_reconciliation.reconcile", at_once)
    await ledger.record(Reconciliation(yesterday, differences=7))

    async def is_shown() -> bool:
        last = await ledger.last(utc_now())
        return metric("timestamp_seconds") == last.at.timestamp()

    async def is_renewed() -> bool:
        return (await ledger.last(utc_now())).at > yesterday + timedelta(hours=1)

    async with run_daily_reconciliation(ledger, stripe, lease, utc_now, is_enabled=False):
        assert await eventually(is_shown)
    assert metric("differences") == 7
    assert not await is_renewed()
    async with run_daily_reconciliation(ledger, stripe, lease, utc_now, is_enabled=True):
        assert await eventually(is_renewed)
        assert await eventually(is_shown)


def metric(name: str) -> float | None:
    return REGISTRY.get_sample_value(f"payment_reconciliation_{name}")
