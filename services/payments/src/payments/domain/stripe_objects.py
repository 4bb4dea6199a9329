"""The parts of Stripe's objects that a charge needs."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from common.events import DisputeStatus


class IntentStatus(StrEnum):
    """The status of a PaymentIntent, reduced to what a charge distinguishes."""

    OPEN = "open"
    ACTION = "action"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"


class RefundStatus(StrEnum):
    """The status of a refund."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Card:
    """The brand and last four digits of a card."""

    brand: str
    last4: str
    fingerprint: str | None = field(default=None, repr=False, compare=False)
    """Stripe's id of the card number. No response, event or log contains it."""


@dataclass(frozen=True, slots=True)
class Decline:
    """Why a card was declined; `decline_id` distinguishes two declines for the same reason.

    `operator_code` and `fingerprint` are for operators: no response, event or log contains them.
    """

    message: str
    code: str | None = None
    decline_code: str | None = None
    decline_id: str | None = None
    operator_code: str | None = field(default=None, repr=False, compare=False)
    """The true code, if the buyer sees another one."""
    fingerprint: str | None = field(default=None, repr=False, compare=False)
    """Stripe's id of the card number."""


@dataclass(frozen=True, slots=True)
class Intent:
    """A PaymentIntent as Stripe returned it."""

    id: str
    status: IntentStatus
    card: Card | None = None
    decline: Decline | None = None
    client_secret: str = field(default="", repr=False, compare=False)
    charge_id: str | None = None
    """Stripe's id of the successful charge, from which a transfer to the seller is made."""


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund as Stripe returned it, without an id if Stripe rejected it."""

    id: str | None
    status: RefundStatus
    failure_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer to a seller as Stripe returned it; amounts are in cents."""

    id: str
    amount: int
    reversed: int
    round: int
    reversal_id: str | None = None


@dataclass(frozen=True, slots=True)
class Dispute:
    """A dispute as Stripe returned it; `amount` is in cents.

    Attributes:
        evidence_due: until when Stripe accepts evidence.
        has_evidence: whether evidence was submitted.
        needs_response: whether the bank waits for evidence, which an inquiry does not. It is read
            from Stripe each time, and not stored.
    """

    id: str
    status: DisputeStatus
    amount: int
    reason: str | None = None
    evidence_due: datetime | None = None
    has_evidence: bool = False
    needs_response: bool = field(default=False, compare=False)

    @property
    def is_open(self) -> bool:
        """Whether it is not decided yet, so that the payout waits."""
        return self.status in {DisputeStatus.INQUIRY, DisputeStatus.OPEN}

    @property
    def amount_lost(self) -> int:
        """What the bank gave back to the buyer, in cents."""
        return self.amount if self.status is DisputeStatus.LOST else 0


def decisive_dispute(disputes: Sequence[Dispute]) -> Dispute | None:
    """Return what all disputes of a payment amount to.

    An open one decides before an inquiry, and an inquiry before what was lost.
    """
    for status in (DisputeStatus.OPEN, DisputeStatus.INQUIRY, DisputeStatus.LOST):
        found = [dispute for dispute in disputes if dispute.status is status]
        if found:
            return replace(found[0], amount=sum(dispute.amount for dispute in found))
    return next(iter(disputes), None)
