"""Every event of the system: the contract between the services, in one file.

An event carries the whole public state of its aggregate and its version, so whoever hears it
never has to ask back, and applies it only when it is newer than what it has. Fields are only ever
added, and only as optional. Prices are whole cents.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from common.values.ids import Id

Version = Annotated[int, Field(ge=0)]
Cents = Annotated[int, Field(ge=0)]


class Event(BaseModel):
    """Something that happened, in the past tense."""

    model_config = ConfigDict(
        frozen=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        extra="ignore",  # yesterday's reader meets tomorrow's fields
    )
    subject: ClassVar[str]


class TicketStatus(StrEnum):
    """Whether a ticket can be ordered."""

    AVAILABLE = "available"
    RESERVED = "reserved"
    SOLD = "sold"


class _Ticket(Event):
    id: Id
    version: Version
    title: str
    price: Cents
    user_id: Id
    order_id: Id | None = None
    status: TicketStatus = TicketStatus.AVAILABLE


class TicketCreated(_Ticket):
    """A ticket was listed."""

    subject = "ticket.created"


class TicketUpdated(_Ticket):
    """A ticket was edited, locked, freed or sold."""

    subject = "ticket.updated"


class OrderStatus(StrEnum):
    """Where an order stands."""

    CREATED = "created"
    AWAITING_PAYMENT = "awaiting:payment"
    COMPLETE = "complete"
    CANCELLED = "cancelled"


class CancelReason(StrEnum):
    """Why an order was given up."""

    BUYER = "buyer"
    EXPIRED = "expired"
    PAYMENT_FAILED = "payment failed"


class OrderedTicket(BaseModel):
    """The ticket as it was when it was ordered, and the fence of its order.

    `hold` grows with each order placed on that ticket: an event of an order with a smaller hold
    than the last one applied is an event of the dead.
    """

    model_config = Event.model_config

    id: Id
    title: str
    price: Cents
    hold: Annotated[int, Field(ge=1)]


class _Order(Event):
    id: Id
    version: Version
    status: OrderStatus
    user_id: Id
    expires_at: datetime
    ticket: OrderedTicket
    reason: CancelReason | None = None


class OrderCreated(_Order):
    """A ticket was reserved for a buyer."""

    subject = "order.created"


class OrderUpdated(_Order):
    """An order goes on in another state, still reserved: it awaits payment."""

    subject = "order.updated"


class OrderCancelled(_Order):
    """An order was given up: by its buyer, by time, or because payment failed for good."""

    subject = "order.cancelled"


class OrderCompleted(_Order):
    """An order was paid; final."""

    subject = "order.completed"


class ExpirationCompleted(Event):
    """An order's time ran out."""

    subject = "expiration.completed"

    order_id: Id


class ChargeStatus(StrEnum):
    """Where the money of an order stands."""

    CREATED = "created"
    PROCESSING = "processing"
    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    REFUND_PENDING = "refund_pending"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"
    CANCELED = "canceled"


class _Payment(Event):
    id: Id
    version: Version
    order_id: Id
    amount: Cents
    status: ChargeStatus
    stripe_id: str | None = None
    stripe_refund_id: str | None = None
    reason: str | None = None


class PaymentCreated(_Payment):
    """An order was paid."""

    subject = "payment.created"


class PaymentFailed(_Payment):
    """A card was declined; `final` when no further try is allowed."""

    subject = "payment.failed"

    final: bool = False


class PaymentUpdated(_Payment):
    """A charge moved on in a way that changes nothing for its order."""

    subject = "payment.updated"


class PaymentRefunded(_Payment):
    """The money of a cancelled order was given back."""

    subject = "payment.refunded"


class SessionRevoked(Event):
    """A session was ended: its access tokens are refused until the last of them has expired."""

    subject = "session.revoked"

    user_id: Id
    session_id: Id
    until: datetime


EVENT_TYPES: Final[tuple[type[Event], ...]] = (
    TicketCreated,
    TicketUpdated,
    OrderCreated,
    OrderUpdated,
    OrderCancelled,
    OrderCompleted,
    ExpirationCompleted,
    PaymentCreated,
    PaymentFailed,
    PaymentUpdated,
    PaymentRefunded,
    SessionRevoked,
)

STREAMS: Final[dict[str, str]] = {
    "tickets": "ticket",
    "orders": "order",
    "expiration": "expiration",
    "payments": "payment",
    "auth": "session",
}
"""One stream per publishing service, and the first word of its subjects."""


def stream_of(event: type[Event]) -> str:
    """Name the stream that carries this event."""
    subject_prefix = event.subject.partition(".")[0]
    return next(stream for stream, prefix in STREAMS.items() if prefix == subject_prefix)
