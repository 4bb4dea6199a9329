"""The state of a charge, and the event that publishes it."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Self

from common.change import Change
from common.events import (
    ChargeStatus,
    PaymentCreated,
    PaymentEvent,
    PaymentFailed,
    PaymentRefunded,
    PaymentUpdated,
    PayoutState,
)
from payments.domain.attempts import Attempt, Lease, attempt_id, count_with_result
from payments.domain.evidence import Evidence
from payments.domain.payout import Payout
from payments.domain.payout_transitions import PAYOUT_TRANSITIONS, Signal
from payments.domain.stripe_objects import Card, Decline, Dispute
from payments.domain.transitions import (
    OPEN_STATUSES,
    PROCESSING,
    REFUND_STATUSES,
    REQUIRES_PAYMENT_METHOD,
    SUCCEEDED,
    TRANSITIONS,
    Trigger,
)

MOVING: Final = frozenset({PayoutState.SENDING, PayoutState.RECALLING})

_EVENT_FOR_STATUS: Final[dict[ChargeStatus, type[PaymentEvent]]] = {
    ChargeStatus.SUCCEEDED: PaymentCreated,
    ChargeStatus.REQUIRES_PAYMENT_METHOD: PaymentFailed,
    ChargeStatus.REFUNDED: PaymentRefunded,
}


@dataclass(frozen=True, slots=True)
class ChargeState:
    """A charge without its rules; `amount` is in cents."""

    id: str
    version: int
    order_id: str
    user_id: str
    amount: int
    currency: str
    status: ChargeStatus
    stripe_id: str
    created_at: datetime
    updated_at: datetime
    attempts: tuple[Attempt, ...] = ()
    lease: Lease | None = None
    reconcile_at: datetime | None = None
    """When the reconciler reads the PaymentIntent again; None if nothing is pending."""
    order_cancelled: bool = False
    no_more_attempts: bool = False
    card: Card | None = None
    last_error: Decline | None = None
    stripe_refund_id: str | None = None
    refund_reason: str | None = None
    paid_at: datetime | None = None
    refunded_at: datetime | None = None
    seller_id: str | None = None
    release_at: datetime | None = None
    """When the payout is due."""
    fee: int | None = None
    net: int | None = None
    """What the seller gets. It is fixed, like the fee, when the payment succeeds."""
    stripe_charge_id: str | None = None
    payout: Payout | None = None
    """None before the payment succeeds, or if nobody knows the seller."""
    dispute: Dispute | None = None
    """What all disputes of the payment amount to."""
    shares_card: bool = False
    """Whether its buyer paid with a card with which its seller has paid, too."""
    evidence: tuple[Evidence, ...] = ()
    """What Stripe was sent about its disputes."""

    @property
    def is_open(self) -> bool:
        """Whether the PaymentIntent may still succeed."""
        return self.status in OPEN_STATUSES

    @property
    def has_refund(self) -> bool:
        """Whether there is a refund whose state may still change."""
        return self.status in REFUND_STATUSES

    @property
    def needs_reconciliation(self) -> bool:
        """Whether Stripe may still change this charge without notifying us."""
        if self.status in {ChargeStatus.REQUIRES_ACTION, ChargeStatus.REFUND_PENDING}:
            return True
        if self.order_cancelled and self.is_open:
            return True
        # Stripe may still execute a confirm call after we have stopped waiting for it.
        has_unanswered = count_with_result(self.attempts) < len(self.attempts)
        return self.status is REQUIRES_PAYMENT_METHOD and has_unanswered

    @property
    def payable(self) -> int:
        """What the seller may have in the end, in cents."""
        if self.status is not SUCCEEDED or self.net is None:
            return 0
        return max(self.net - (self.dispute.amount_lost if self.dispute else 0), 0)

    @property
    def is_withheld_amount_free(self) -> bool:
        """Whether what was kept from a payout has to be kept from another one instead."""
        payout = self.payout
        return (
            payout is not None
            and payout.state in {PayoutState.VOID, PayoutState.RECALLED}
            and payout.withheld > 0
            and self.payable == 0
        )

    @property
    def is_money_moving(self) -> bool:
        """Whether a refund or a payout is not completed, so that it has to be continued soon."""
        is_payout_moving = self.payout is not None and self.payout.state in MOVING
        return self.needs_reconciliation or is_payout_moving or self.is_withheld_amount_free

    @property
    def is_brief(self) -> bool:
        """Whether this is a first attempt, which usually has a result within a second."""
        return self.version == 0 and self.status is PROCESSING

    def is_attempt_running(self, now: datetime) -> bool:
        """Return whether the last attempt still holds its lease."""
        return self.status is PROCESSING and self.lease is not None and self.lease.until > now

    @property
    def attempt_id(self) -> str:
        """The id under which the last attempt is counted against the limits on declines."""
        return attempt_id(self.id, self.attempts)

    def count_ended_attempts(self, now: datetime) -> int:
        """Count the attempts without the one that is running."""
        return len(self.attempts) - self.is_attempt_running(now)

    @property
    def reason(self) -> str | None:
        """Why the last attempt failed or the payment is refunded, as events report it."""
        if self.status is REQUIRES_PAYMENT_METHOD and self.last_error is not None:
            return self.last_error.decline_code or self.last_error.code
        return self.refund_reason

    @property
    def final(self) -> bool:
        """The name of `no_more_attempts` in events."""
        return self.no_more_attempts

    def to_event(self) -> PaymentEvent:
        """Return the event of the current state."""
        return _EVENT_FOR_STATUS.get(self.status, PaymentUpdated).from_attributes(self)

    def _transition(self, trigger: Trigger, now: datetime, **changes: Any) -> Change[Self]:
        status = TRANSITIONS.get((self.status, trigger))
        if status is None:
            return Change(self)
        fields: dict[str, Any] = {"lease": None, "reconcile_at": None, **changes}
        if self.payout is not None:
            fields["payout"] = _after_refund(self.payout, status)
        after = replace(self, version=self.version + 1, status=status, updated_at=now, **fields)
        if after.needs_reconciliation:
            after = replace(after, reconcile_at=now)
        elif not after.is_open:
            after = replace(after, reconcile_at=after.payout_due(now))
        return Change(after, (after.to_event(),))

    def payout_due(self, now: datetime) -> datetime | None:
        """Return when the payout has to be looked at again, or None if nothing is left to do."""
        if self.dispute is not None and self.dispute.is_open:
            return now
        match self.payout and self.payout.state:
            case PayoutState.HELD:
                return self.release_at
            case PayoutState.SENDING | PayoutState.RECALLING | PayoutState.FROZEN:
                return now
            case _:
                return now if self.is_withheld_amount_free else None


def _after_refund(payout: Payout, status: ChargeStatus) -> Payout:
    """Return the payout of a charge whose money goes back, if that is what its status says."""
    state = PAYOUT_TRANSITIONS.get((status, payout.state, Signal.REFUND))
    return payout if state is None else replace(payout, state=state, reason=status.value)
