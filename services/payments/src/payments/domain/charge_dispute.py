"""The rules of the disputes of a charge: what they do to its payout, and their evidence."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Self

from common.change import Change
from common.events import DisputeStatus, PayoutState
from payments.domain.charge_payout import PayoutRules
from payments.domain.evidence import Evidence
from payments.domain.order import PaymentPolicy
from payments.domain.payout import HoldReason, Payout
from payments.domain.payout_transitions import PAYOUT_TRANSITIONS, Signal
from payments.domain.stripe_objects import Dispute, decisive_dispute
from payments.domain.transitions import REFUNDED, SUCCEEDED

MAX_STORED_EVIDENCE: Final = 20


@dataclass(frozen=True, slots=True)
class DisputeRules(PayoutRules):
    """What may happen to the disputes of a charge."""

    def apply_disputes(self, disputes: Sequence[Dispute], now: datetime) -> Change[Self]:
        """Apply the disputes as Stripe knows them now, and record what evidence has arrived."""
        dispute = decisive_dispute(disputes)
        if dispute is None:
            return Change(self)
        arrived = {each.id for each in disputes if each.has_evidence}
        evidence = tuple(
            replace(each, submitted_at=now)
            if each.submitted_at is None and each.dispute_id in arrived
            else each
            for each in self.evidence
        )
        payout = self._payout_under(dispute)
        return self._record(now, dispute=dispute, payout=payout, evidence=evidence)

    @property
    def lacks_recalled_part(self) -> bool:
        """Whether the bank gave back a part that had been recalled, so that an operator sends it.

        Another round would transfer the whole net, of which the seller has kept the other part.
        """
        payout = self.payout
        return (
            payout is not None
            and payout.state is PayoutState.RECALLED
            and 0 < payout.rest < self.payable - payout.withheld
        )

    def needs_evidence(self, dispute: Dispute) -> bool:
        """Return whether the bank waits for evidence that it was not sent.

        Nothing is sent for money that goes back anyway.
        """
        if self.status not in {SUCCEEDED, REFUNDED} or not dispute.needs_response:
            return False
        asked = self.evidence_for(dispute)
        is_submitted = asked is not None and (
            asked.submitted_at is not None or dispute.has_evidence
        )
        return not is_submitted

    def evidence_for(self, dispute: Dispute) -> Evidence | None:
        """Return what Stripe was asked to take about a dispute, or None."""
        return next((each for each in self.evidence if each.dispute_id == dispute.id), None)

    def begin_evidence(self, dispute: Dispute, now: datetime) -> Change[Self]:
        """Record that Stripe is asked to take the evidence of a dispute."""
        is_full = len(self.evidence) >= MAX_STORED_EVIDENCE
        if is_full or self.evidence_for(dispute) is not None or not self.needs_evidence(dispute):
            return Change(self)
        return self._record(now, evidence=(*self.evidence, Evidence(dispute.id, asked_at=now)))

    def refuse_evidence(
        self, dispute: Dispute, *, refusals: int, now: datetime, policy: PaymentPolicy
    ) -> Change[Self]:
        """Record that Stripe did not take the evidence. Another try needs another key."""
        evidence = tuple(
            replace(each, refusals=refusals + 1)
            if (each.dispute_id, each.refusals) == (dispute.id, refusals)
            else each
            for each in self.evidence
        )
        return self._record(now, look_at=now + policy.payout_retry, evidence=evidence)

    def _payout_under(self, dispute: Dispute) -> Payout | None:
        """Return the payout that a dispute freezes, voids, recalls or frees."""
        payout = self.payout
        if payout is None:
            return None
        known = replace(self, dispute=dispute)
        signal: Signal | None = None
        changes: dict[str, Any] = {}
        if dispute.is_open:
            signal, changes = Signal.FREEZE, {"reason": HoldReason.DISPUTED}
        elif dispute.status is DisputeStatus.LOST:
            is_nothing_left = known.payable == 0 and payout.state is not PayoutState.RECALLED
            if known.amount_to_recall or is_nothing_left:
                signal, changes = Signal.CHARGEBACK, {"reason": "charged_back"}
            elif payout.state is PayoutState.FROZEN:
                signal, changes = Signal.THAW, {"reason": None}
        elif payout.state is PayoutState.RECALLED and not payout.rest:
            signal, changes = Signal.NEXT_ROUND, _next_round(payout)
        elif payout.reason == HoldReason.DISPUTED:
            signal, changes = Signal.THAW, {"reason": None}
        state = signal and PAYOUT_TRANSITIONS.get((self.status, payout.state, signal))
        return replace(payout, state=state, **changes) if state else payout


def _next_round(payout: Payout) -> dict[str, Any]:
    """Return the fields of the next round, which goes to the account that the seller has then."""
    fresh = Payout(PayoutState.HELD, payout.round + 1)
    return {name: getattr(fresh, name) for name in fresh.__slots__ if name != "state"}
