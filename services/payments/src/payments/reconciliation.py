"""The comparison of every charge, refund, dispute, transfer and reversal with Stripe's balance.

Money moves while we look, so what differs is looked at a second time, and only what has not changed
counts.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Final

import structlog

from common.values.clock import Clock
from payments.domain.charge import CURRENCY
from payments.domain.ledger import (
    Difference,
    Line,
    Reconciliation,
    StripeLedger,
    compare,
    compare_balance,
    held_amount,
)
from payments.store.ledger import Ledger
from payments.stripe.balance import StripeBalance

log = structlog.get_logger("reconciliation")

RECHECK_SECONDS: Final = 90.0
"""Longer than a charge is in progress whose process died: its lease, and then the reconciler."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What one look found; amounts are in cents.

    Attributes:
        totals: what moved at Stripe, by line.
        balance: what the platform has at Stripe.
        held: what it holds for sellers.
    """

    differences: tuple[Difference, ...]
    totals: Counter[Line]
    balance: int
    held: int


async def reconcile(
    ledger: Ledger, stripe: StripeBalance, clock: Clock, *, recheck_seconds: float = RECHECK_SECONDS
) -> tuple[Reconciliation, Comparison]:
    """Compare us with Stripe, store the result, and return it with what was compared last.

    Raises:
        StripeUnavailable: Stripe did not respond.
    """
    started_at = clock()
    found = await look(ledger, stripe)
    differences = found.differences
    if differences:
        await asyncio.sleep(recheck_seconds)
        found = await look(ledger, stripe)
        lasting = set(differences)
        differences = tuple(each for each in found.differences if each in lasting)
    result = Reconciliation(
        at=started_at,
        differences=len(differences),
        balance=found.balance,
        held=found.held,
        owed=await ledger.owed(),
    )
    await ledger.record(result)
    for each in differences:
        log.error(
            "payments differ from Stripe",
            subject=each.subject,
            what=each.what,
            stored=each.stored,
            at_stripe=each.at_stripe,
        )
    return result, Comparison(differences, found.totals, found.balance, found.held)


async def look(ledger: Ledger, stripe: StripeBalance) -> Comparison:
    """Compare every charge with Stripe once.

    Raises:
        StripeUnavailable: Stripe did not respond.
    """
    balance_before = await stripe.retrieve(CURRENCY)
    at_stripe = StripeLedger()
    async for transaction in stripe.iter_transactions(CURRENCY):
        at_stripe.add(transaction)
    balance = await stripe.retrieve(CURRENCY)
    at_stripe.assign_transfers()
    differences: list[Difference] = []
    held = 0
    async for charge in ledger.iter_charges():
        moved = at_stripe.take(charge)
        differences += compare(charge, moved)
        held += held_amount(charge, moved)
    differences += at_stripe.unknown()
    differences += compare_balance(at_stripe, before=balance_before, after=balance)
    return Comparison(tuple(differences), at_stripe.totals, balance, held)
