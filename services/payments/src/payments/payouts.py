"""Payouts: pay the sellers when it is due, and call back what went back to a buyer.

Each step is decided by one conditional write of the charge before Stripe is asked, and every
question can be asked again: a transfer is looked up before it is created.
"""

from typing import Final

import structlog

from common.change import Change
from common.events import ChargeStatus, PayoutState
from common.values.clock import Clock
from payments.disputes import Disputes
from payments.domain.charge import Charge
from payments.domain.order import PaymentPolicy
from payments.domain.payout import Payout
from payments.domain.stripe_objects import Transfer
from payments.metrics import PAYOUT_REFUSALS, SHARED_CARDS
from payments.sellers import Sellers
from payments.store.charges import ChargeStore
from payments.stripe.connect import Connect, ServerFailed, TransferRefused

log = structlog.get_logger("payouts")

WAITING: Final = (PayoutState.HELD, PayoutState.FROZEN)


class Payouts:
    """Moves the payouts of charges to where they belong."""

    def __init__(
        self,
        store: ChargeStore,
        sellers: Sellers,
        connect: Connect,
        disputes: Disputes,
        clock: Clock,
        policy: PaymentPolicy,
    ) -> None:
        self._store = store
        self._sellers = sellers
        self._connect = connect
        self.disputes = disputes
        self._clock = clock
        self._policy = policy

    async def settle(self, charge: Charge) -> Charge:
        """Do what is due for the payout of a charge. Safe to call by anyone at any time.

        Raises:
            StripeUnavailable: Stripe did not respond.
        """
        if charge.payout is not None and charge.payout.state in WAITING:
            charge = await self._release(charge)
        if charge.payout is not None and charge.payout.state is PayoutState.SENDING:
            charge = await self._send(charge, charge.payout)
        if charge.payout is not None and charge.payout.state is PayoutState.RECALLING:
            charge = await self._recall(charge, charge.payout)
        if charge.payout is not None and charge.is_withheld_amount_free:
            await self._sellers.give_back(charge)
            now = self._clock()
            charge = await self._store.update(charge.id, lambda c: c.give_back(now))
        return charge

    async def _release(self, charge: Charge) -> Charge:
        """Record that the seller is paid now, or why not."""
        if not charge.is_release_due(self._clock()):
            return charge
        charge = await self._compare_cards(charge)
        seller = await self._sellers.find(charge.seller_id or "")
        if seller is not None and seller.stripe_account_id is not None:
            charge = await self.disputes.refresh(charge)
        if seller is not None:
            seller = await self._sellers.refresh(seller)
        is_protected = await self._sellers.is_protected(charge)

        def release(found: Charge) -> Change[Charge]:
            return found.release(
                seller, is_protected=is_protected, now=self._clock(), policy=self._policy
            )

        before = charge
        charge = await self._store.update(charge.id, release)
        if charge.payout is not None and charge.payout.state is PayoutState.HELD:
            charge = await self._store.update(charge.id, release)  # it was frozen until now
        if charge == before and charge.payout and charge.payout.state is PayoutState.FROZEN:
            await self._store.postpone(charge, self._clock() + self._policy.payout_retry)
        return charge

    async def _compare_cards(self, charge: Charge) -> Charge:
        """Record if the seller may be the buyer under another account, for the operators."""
        fingerprint = charge.card.fingerprint if charge.card else None
        if charge.shares_card or fingerprint is None or charge.seller_id is None:
            return charge
        if not await self._store.has_paid_with_card(charge.seller_id, fingerprint):
            return charge
        SHARED_CARDS.inc()
        log.warning("buyer and seller use the same card", charge=charge.id)
        now = self._clock()
        return await self._store.update(charge.id, lambda c: c.mark_shared_card(now))

    async def _send(self, charge: Charge, payout: Payout) -> Charge:
        """Create the transfer of a round, unless it exists."""
        transfer = await self._connect.find_transfer(charge)
        if transfer is None:
            withheld = await self._sellers.withhold(charge)
            if withheld != payout.withheld:
                charge = await self._withhold(charge, payout, withheld)
            asked = charge.payout or payout
            try:
                transfer = await self._create_transfer(charge, payout)
            except TransferRefused as refusal:
                return await self._record_refusal(charge, asked, refusal)
            except ServerFailed:
                now = self._clock()
                return await self._store.update(
                    charge.id,
                    lambda c: c.use_next_key(
                        in_round=asked.round,
                        refusals=asked.refusals,
                        now=now,
                        policy=self._policy,
                    ),
                )
        now, found = self._clock(), transfer
        return await self._store.update(
            charge.id, lambda c: c.apply_transfer(found, in_round=payout.round, now=now)
        )

    async def _withhold(self, charge: Charge, payout: Payout, withheld: int) -> Charge:
        """Record what the seller's account kept from a payout, or undo that if it is too late."""
        now = self._clock()
        after = await self._store.update(
            charge.id, lambda c: c.withhold(withheld, in_round=payout.round, now=now)
        )
        current = after.payout or payout
        is_unpaid = current.state in {*WAITING, PayoutState.SENDING} and after.payable
        if current.round == payout.round and current.withheld != withheld and not is_unpaid:
            await self._sellers.give_back(charge)  # it was paid, or given to the buyer, meanwhile
        return after

    async def _create_transfer(self, charge: Charge, payout: Payout) -> Transfer | None:
        """Create the transfer, or return None if nothing is left to transfer."""
        current = charge.payout
        if current is None or (current.round, current.state) != (payout.round, PayoutState.SENDING):
            return await self._connect.find_transfer(charge)
        if current.amount <= 0:
            return None
        # Also if the money went back meanwhile: another process may have asked already, and the
        # same key gets the same answer.
        return await self._connect.create_transfer(charge)

    async def _record_refusal(
        self, charge: Charge, payout: Payout, refusal: TransferRefused
    ) -> Charge:
        PAYOUT_REFUSALS.labels("balance" if refusal.is_temporary else "account").inc()
        log.error("transfer refused by Stripe", charge=charge.id, code=refusal.code)
        now = self._clock()
        return await self._store.update(
            charge.id,
            lambda c: c.refuse_transfer(
                refusal.code,
                in_round=payout.round,
                refusals=payout.refusals,
                is_final=not refusal.is_temporary,
                now=now,
                policy=self._policy,
            ),
        )

    async def _recall(self, charge: Charge, payout: Payout) -> Charge:
        """Call back what the seller may not keep, once the buyer's money is on its way."""
        is_buyer_first = (
            charge.status is ChargeStatus.REFUND_PENDING and charge.stripe_refund_id is None
        )
        if is_buyer_first or payout.transfer_id is None:
            return charge
        transfer = await self._connect.retrieve_transfer(payout.transfer_id)
        charge = await self._apply_reversals(charge, payout, transfer)
        current = charge.payout
        if current is None or current.state is not PayoutState.RECALLING:
            return charge
        reason = "owed"
        if not await self._sellers.has_debt(charge):
            amount = charge.amount_to_recall - (transfer.reversed - current.reversed)
            try:
                await self._connect.reverse(charge, transfer, amount)
            except TransferRefused as refusal:
                latest = await self._connect.retrieve_transfer(payout.transfer_id)
                if latest.reversed != transfer.reversed:  # refused, because it came back already
                    return await self._apply_reversals(charge, payout, latest)
                PAYOUT_REFUSALS.labels("recall").inc()
                reason = refusal.code
                await self._sellers.record_debt(charge, amount)
            except ServerFailed:
                return charge  # it is looked up again when the lease is over
            else:
                transfer = await self._connect.retrieve_transfer(payout.transfer_id)
                return await self._apply_reversals(charge, payout, transfer)
        now = self._clock()
        return await self._store.update(
            charge.id, lambda c: c.fall_short(in_round=payout.round, reason=reason, now=now)
        )

    async def _apply_reversals(self, charge: Charge, payout: Payout, transfer: Transfer) -> Charge:
        now = self._clock()
        return await self._store.update(
            charge.id, lambda c: c.apply_reversals(transfer, in_round=payout.round, now=now)
        )
