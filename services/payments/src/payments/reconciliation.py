"""The comparison of every charge, refund, transfer and reversal with what Stripe has."""

from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterable
from dataclasses import dataclass
from typing import Final

from common.events import ChargeStatus
from payments.domain.charge import Charge
from payments.stripe.connect import Connect

WITH_MONEY: Final = frozenset(
    {ChargeStatus.SUCCEEDED, ChargeStatus.REFUND_PENDING, ChargeStatus.REFUND_FAILED}
)
"""Payments whose money the platform has, unless a bank took it back."""


@dataclass(frozen=True, slots=True)
class Difference:
    """An amount that we and Stripe do not agree on, in cents."""

    subject: str
    what: str
    stored: int
    at_stripe: int


async def find_differences(
    charges: AsyncIterable[Charge], connect: Connect
) -> AsyncGenerator[Difference]:
    """Yield what differs, to the cent. Run it while nothing is in progress, or repeat it.

    Raises:
        StripeUnavailable: Stripe did not respond.
    """
    paid: defaultdict[str, int] = defaultdict(int)
    async for data in connect.iter_objects("/v1/charges"):
        if data["paid"]:
            paid[data["payment_intent"] or data["id"]] += data["amount"] - data["amount_refunded"]
    sent: defaultdict[str, int] = defaultdict(int)
    async for data in connect.iter_objects("/v1/transfers"):
        owner = data["metadata"].get("chargeId") or data["id"]
        sent[owner] += data["amount"] - data["amount_reversed"]
    async for charge in charges:
        name = f"charge {charge.id}"
        stored_paid = charge.amount if charge.status in WITH_MONEY else 0
        at_stripe = paid.pop(charge.stripe_id, 0)
        is_charged_back = charge.status is ChargeStatus.REFUNDED and charge.is_charged_back
        if stored_paid != at_stripe and not is_charged_back:
            yield Difference(name, "paid and not refunded", stored_paid, at_stripe)
        payout = charge.payout
        stored_sent = payout.rest if payout is not None and payout.transfer_id else 0
        if stored_sent != sent.get(charge.id, 0):
            yield Difference(name, "sent to the seller", stored_sent, sent[charge.id])
        sent.pop(charge.id, None)
    for intent_id, amount in paid.items():
        yield Difference(f"payment {intent_id}", "paid and not refunded", 0, amount)
    for owner, amount in sent.items():
        yield Difference(f"transfer of {owner}", "sent to a seller", 0, amount)
