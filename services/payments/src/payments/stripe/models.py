"""What Stripe tells of a payment, in as many words as a charge needs."""

from dataclasses import dataclass, field
from enum import StrEnum


class IntentStatus(StrEnum):
    """Where a PaymentIntent stands, in as many words as a charge needs."""

    OPEN = "open"
    ACTION = "action"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"


class RefundStatus(StrEnum):
    """Where a refund stands."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Card:
    """What may be known of a card."""

    brand: str
    last4: str


@dataclass(frozen=True, slots=True)
class Decline:
    """Why a card was declined; `decline_id` distinguishes two declines for the same reason."""

    message: str
    code: str | None = None
    decline_code: str | None = None
    decline_id: str | None = None


@dataclass(frozen=True, slots=True)
class Intent:
    """A PaymentIntent as Stripe has just told it."""

    id: str
    status: IntentStatus
    card: Card | None = None
    decline: Decline | None = None
    client_secret: str = field(default="", repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund as Stripe has just told it; without an id when it was refused outright."""

    id: str | None
    status: RefundStatus
    failure_reason: str | None = None
