"""The rules of a charge's payout: when its seller is paid, and what is called back.

Every response of Stripe may arrive late or twice. A response about an earlier round changes
nothing, and a transfer that exists is recorded in whatever state its charge is by then.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Self

from common.change import Change
from common.events import PaymentUpdated, PayoutState, TransfersStatus
from payments.domain.charge_state import ChargeState
from payments.domain.order import Order, PaymentPolicy
from payments.domain.payout import HoldReason, Payout
from payments.domain.payout_transitions import PAYOUT_TRANSITIONS, Signal
from payments.domain.seller import Seller
from payments.domain.stripe_objects import Transfer
from payments.domain.transitions import SUCCEEDED

MAX_RETRY: Final = timedelta(days=1)
"""The longest time until a payout that Stripe refused is tried again."""


@dataclass(frozen=True, slots=True)
class PayoutRules(ChargeState):
    """What may happen to the payout of a charge."""

    @property
    def debt_key(self) -> str:
        """The name of what this round changes in the account of its seller."""
        return f"{self.id}:{self.payout.round if self.payout else 0}"

    @property
    def amount_to_recall(self) -> int:
        """How much of the transfer has to come back, in cents."""
        payout = self.payout
        if payout is None:
            return 0
        return min(max(payout.rest + payout.withheld - self.payable, 0), payout.rest)

    def is_release_due(self, now: datetime) -> bool:
        """Return whether the payout may be made now, as far as this charge decides."""
        return (
            self.payout is not None
            and self.payout.state in {PayoutState.HELD, PayoutState.FROZEN}
            and self.status is SUCCEEDED
            and self.release_at is not None
            and now >= self.release_at
        )

    def hold_reason(self, seller: Seller | None, *, is_protected: bool) -> HoldReason | None:
        """Return why the payout may not be made, or None."""
        if self.dispute is not None and self.dispute.is_open:
            return HoldReason.DISPUTED
        if seller is None or seller.stripe_account_id is None:
            return HoldReason.NO_ACCOUNT
        if seller.is_paused:
            return HoldReason.PAUSED
        if is_protected:
            return HoldReason.SECOND_FACTOR_REMOVAL
        if seller.transfers is not TransfersStatus.ACTIVE:
            return HoldReason.ACCOUNT_NOT_READY
        return None

    def release(
        self,
        seller: Seller | None,
        *,
        is_protected: bool = False,
        now: datetime,
        policy: PaymentPolicy,
    ) -> Change[Self]:
        """Record that Stripe is asked for the transfer, or why it is not.

        For as long as a lease lasts, nobody but the caller asks.

        Args:
            seller: the seller, if there is one.
            is_protected: whether the removal of the seller's second factor is announced.
            now: the current time.
            policy: when it is looked at again.
        """
        if self.payout is None or not self.is_release_due(now):
            return Change(self)
        reason = self.hold_reason(seller, is_protected=is_protected)
        if reason is not None or seller is None:
            return self._hold(reason or HoldReason.NO_ACCOUNT, now + policy.payout_retry, now)
        if self.payout.state is PayoutState.FROZEN:
            return self._change(Signal.THAW, now)
        return self._change(
            Signal.RELEASE,
            now,
            look_at=now + policy.lease,
            account_id=seller.stripe_account_id,
            amount=self.payable - self.payout.withheld,
        )

    def mark_shared_card(self, now: datetime) -> Change[Self]:
        """Record that buyer and seller use the same card, so they may be one person."""
        return self._record(now, shares_card=True)

    def withhold(self, amount: int, *, in_round: int, now: datetime) -> Change[Self]:
        """Keep what the seller owes from a transfer that Stripe has not been asked for."""
        payout = self.payout
        is_current = payout and (payout.round, payout.state) == (in_round, PayoutState.SENDING)
        if not is_current or not self.payable:
            return Change(self)
        return self._amend(now, withheld=amount, amount=self.payable - amount)

    def give_back(self, now: datetime) -> Change[Self]:
        """Forget what was kept, after the seller's account did, because nothing was paid."""
        return self._amend(now, withheld=0)

    def apply_transfer(
        self, transfer: Transfer | None, *, in_round: int, now: datetime
    ) -> Change[Self]:
        """Record the transfer of a round. None says that nothing is left to transfer."""
        if self.payout is None or self.payout.round != in_round:
            return Change(self)
        if transfer is None:
            if self.payout.state is not PayoutState.SENDING:
                return Change(self)
            signal = Signal.TRANSFER if self.payable else Signal.ABANDONMENT
            return self._change(signal, now)
        return self._change(
            Signal.LATE_TRANSFER if self._exceeds(transfer.amount) else Signal.TRANSFER,
            now,
            transfer_id=transfer.id,
            amount=transfer.amount,
            reversed=transfer.reversed,
        )

    def refuse_transfer(
        self,
        reason: str,
        *,
        in_round: int,
        refusals: int,
        is_final: bool,
        now: datetime,
        policy: PaymentPolicy,
    ) -> Change[Self]:
        """Record that Stripe refused the transfer of a round, so that there is none.

        A refusal under an earlier key changes nothing: another process may have got the transfer
        under the next one.

        Args:
            reason: Stripe's code.
            in_round: the round.
            refusals: how many refusals the request knew, which are part of its key.
            is_final: whether it is the account of the seller that has to change.
            now: the current time.
            policy: when it is tried again.
        """
        payout = self.payout
        if payout is None or (payout.round, payout.refusals) != (in_round, refusals):
            return Change(self)
        refusals += 1
        if self.payable == 0:
            return self._change(Signal.ABANDONMENT, now, reason=self.status.value)
        return self._change(
            Signal.REFUSAL if is_final else Signal.POSTPONEMENT,
            now,
            look_at=now + min(policy.payout_retry * 2**refusals, MAX_RETRY),
            reason=reason,
            refusals=refusals,
        )

    def use_next_key(
        self, *, in_round: int, refusals: int, now: datetime, policy: PaymentPolicy
    ) -> Change[Self]:
        """Replace an idempotency key under which Stripe repeats a stored error."""
        payout = self.payout
        asked = (in_round, refusals, PayoutState.SENDING)
        if payout is None or (payout.round, payout.refusals, payout.state) != asked:
            return Change(self)
        return self._amend(now, look_at=now + policy.lease, refusals=refusals + 1)

    def apply_reversals(self, transfer: Transfer, *, in_round: int, now: datetime) -> Change[Self]:
        """Record how much of the transfer of a round came back."""
        if self.payout is None or self.payout.round != in_round:
            return Change(self)
        if self._exceeds(transfer.amount - transfer.reversed):
            return Change(self)
        return self._change(
            Signal.REVERSAL, now, reversed=transfer.reversed, reversal_id=transfer.reversal_id
        )

    def fall_short(self, *, in_round: int, reason: str, now: datetime) -> Change[Self]:
        """Record that the rest cannot be called back; the seller owes it."""
        if self.payout is None or self.payout.round != in_round:
            return Change(self)
        return self._change(Signal.REVERSAL_REFUSAL, now, reason=reason)

    def adopt_order(self, order: Order, now: datetime) -> Change[Self]:
        """Apply what the order says of the seller, and of the date if the payout still waits.

        A payment that was made before there were payouts is free of a fee, because its seller was
        shown none.
        """
        if self.status is not SUCCEEDED or order.seller_id is None or order.release_at is None:
            return Change(self)
        payout, net = self.payout, self.net
        if payout is None:
            payout, net = Payout(PayoutState.HELD), self.amount
        elif payout.state is not PayoutState.HELD or self.release_at == order.release_at:
            return Change(self)
        after = replace(
            self,
            version=self.version + 1,
            updated_at=now,
            seller_id=order.seller_id,
            fee=self.amount - (net or 0),
            net=net,
            release_at=order.release_at,
            reconcile_at=order.release_at,
            payout=payout,
        )
        return Change(after, (PaymentUpdated.from_attributes(after),))

    def _exceeds(self, transferred: int) -> bool:
        """Return whether the seller got more than is payable."""
        withheld = self.payout.withheld if self.payout else 0
        return transferred > max(self.payable - withheld, 0)

    def _hold(self, reason: HoldReason, until: datetime, now: datetime) -> Change[Self]:
        payout = self.payout
        if payout is not None and (payout.state, payout.reason) == (PayoutState.FROZEN, reason):
            return Change(self)
        return self._change(Signal.FREEZE, now, look_at=until, reason=reason)

    def _change(
        self, signal: Signal, now: datetime, *, look_at: datetime | None = None, **changes: Any
    ) -> Change[Self]:
        if self.payout is None:
            return Change(self)
        state = PAYOUT_TRANSITIONS.get((self.status, self.payout.state, signal))
        if state is None:
            return Change(self)
        return self._amend(now, look_at=look_at, **{"state": state, "reason": None, **changes})

    def _amend(
        self, now: datetime, *, look_at: datetime | None = None, **changes: Any
    ) -> Change[Self]:
        payout = self.payout and replace(self.payout, **changes)
        return self._record(now, look_at=look_at, payout=payout)

    def _record(
        self, now: datetime, *, look_at: datetime | None = None, **fields: Any
    ) -> Change[Self]:
        """Return the charge with other fields, if they are others, but with the same status."""
        if replace(self, **fields) == self:
            return Change(self)
        after = replace(self, version=self.version + 1, updated_at=now, **fields)
        if not after.needs_reconciliation and not after.is_open:
            after = replace(after, reconcile_at=look_at or after.payout_due(now))
        return Change(after, (PaymentUpdated.from_attributes(after),))
