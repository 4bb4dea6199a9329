"""Disputes: what a buyer's bank decides is read from Stripe, and it is sent evidence once.

Webhooks are hints. An open dispute is looked at again and again until it is decided, and new ones
are searched for, so that none is missed if their webhooks are.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import structlog

from common.values.clock import Clock
from payments.domain.charge import Charge
from payments.domain.evidence import Sale, describe_sale
from payments.domain.order import PaymentPolicy
from payments.domain.stripe_objects import Dispute
from payments.metrics import EVIDENCE
from payments.store.charges import ChargeStore
from payments.store.order_replicas import OrderReplicas
from payments.stripe.disputes import DisputeApi, EvidenceRefused

log = structlog.get_logger("disputes")

SEARCHED: Final = timedelta(days=3)
"""How old the disputes are that are searched for. A bank waits for evidence for a week or more."""


class Disputes:
    """Applies the disputes of charges, and answers them."""

    def __init__(
        self,
        store: ChargeStore,
        orders: OrderReplicas,
        api: DisputeApi,
        clock: Clock,
        policy: PaymentPolicy,
    ) -> None:
        self._store = store
        self._orders = orders
        self._api = api
        self._clock = clock
        self._policy = policy

    async def refresh(self, charge: Charge) -> Charge:
        """Apply the disputes of a payment as Stripe knows them now.

        Raises:
            StripeUnavailable: Stripe did not respond.
        """
        return await self._apply(charge, await self._api.find(charge))

    async def settle(self, charge: Charge) -> Charge:
        """Apply the open disputes of a payment, and answer them. Safe to call by anyone.

        Raises:
            StripeUnavailable: Stripe did not respond.
        """
        if charge.dispute is None or not charge.dispute.is_open:
            return charge
        before = charge
        disputes = await self._api.find(charge)
        charge = await self._apply(charge, disputes)
        for dispute in disputes:
            if charge.needs_evidence(dispute):
                charge = await self._answer(charge, dispute, disputes)
        if charge.version == before.version and not charge.is_money_moving:
            await self._store.postpone(charge, self._clock() + self._policy.payout_retry)
        return charge

    async def find_missed(self) -> None:
        """Apply new disputes whose webhooks did not arrive.

        Raises:
            StripeUnavailable: Stripe did not respond.
        """
        async for intent_id in self._api.iter_disputed_intents(since=self._clock() - SEARCHED):
            charge = await self._store.find_by_intent(intent_id)
            is_watched = charge is not None and charge.dispute and charge.dispute.is_open
            if charge is not None and not is_watched:
                await self.refresh(charge)

    async def _answer(
        self, charge: Charge, dispute: Dispute, disputes: Sequence[Dispute]
    ) -> Charge:
        """Send the evidence of a dispute, after it is recorded that Stripe is asked."""
        now = self._clock()
        charge = await self._store.update(charge.id, lambda c: c.begin_evidence(dispute, now))
        asked = charge.evidence_for(dispute)
        if asked is None:
            return charge  # the money goes back by now
        try:
            answered = await self._api.submit_evidence(
                charge, dispute, describe_sale(await self._describe(charge))
            )
        except EvidenceRefused as refusal:
            disputes = await self._api.find(charge)  # another process may have been faster
            charge = await self._apply(charge, disputes)
            if any(each.id == dispute.id and charge.needs_evidence(each) for each in disputes):
                charge = await self._record_refusal(charge, dispute, asked.refusals, refusal)
            return charge
        EVIDENCE.labels("submitted").inc()
        after = [answered if each.id == dispute.id else each for each in disputes]
        return await self._apply(charge, after)

    async def _record_refusal(
        self, charge: Charge, dispute: Dispute, refusals: int, refusal: EvidenceRefused
    ) -> Charge:
        EVIDENCE.labels("refused").inc()
        log.error("evidence refused by Stripe", charge=charge.id, code=refusal.code)
        now = self._clock()
        return await self._store.update(
            charge.id,
            lambda c: c.refuse_evidence(dispute, refusals=refusals, now=now, policy=self._policy),
        )

    async def _describe(self, charge: Charge) -> Sale:
        order = await self._orders.find(charge.order_id)
        card = charge.card
        return Sale(
            order_id=charge.order_id,
            buyer_id=charge.user_id,
            amount=f"{charge.amount / 100:.2f} {charge.currency.upper()}",
            title=order.title if order else None,
            card=f"{card.brand} card ending in {card.last4}" if card else None,
            stripe_charge_id=charge.stripe_charge_id,
            show=order.show if order else None,
            seat=order.seat if order else None,
            ordered_at=order.created_at if order else None,
            paid_at=charge.paid_at,
            revealed_at=order.revealed_at if order else None,
            received_at=order.received_at if order else None,
            refunded_at=charge.refunded_at,
            refund_id=charge.stripe_refund_id,
        )

    async def _apply(self, charge: Charge, disputes: Sequence[Dispute]) -> Charge:
        if not disputes:
            return charge
        now = self._clock()
        after = await self._store.update(charge.id, lambda c: c.apply_disputes(disputes, now))
        if after.lacks_recalled_part and not charge.lacks_recalled_part:
            log.error("dispute overturned after a part was recalled, send it", charge=charge.id)
        return after
