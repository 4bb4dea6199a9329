"""All events: the contract between the services.

An event carries the whole public state of its aggregate and its version. A listener therefore needs
no further request, and applies an event only if it is newer than the state it has. Fields are only
added, and only as optional. Prices are integer cents.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Final, get_args

from pydantic import ConfigDict, Field

from common.protection import Protection
from common.shows import OrderedShow, Seat, ShowCategory, ShowFacts, Venue
from common.values.camel_model import CamelModel, Omittable
from common.values.ids import Id

Version = Annotated[int, Field(ge=0)]
Cents = Annotated[int, Field(ge=0)]


class Event(CamelModel):
    """A published fact, named in the past tense."""

    model_config = ConfigDict(frozen=True)
    subject: ClassVar[str]


class TicketStatus(StrEnum):
    """Whether a ticket can be ordered."""

    AVAILABLE = "available"
    RESERVED = "reserved"
    SOLD = "sold"


class Listing(CamelModel):
    """The title and price of a ticket."""

    model_config = ConfigDict(frozen=True)

    title: str
    price: Cents


class ReturnedOriginal(StrEnum):
    """What became of the original of a ticket whose order is refunded. The set is fixed."""

    NONE = "none"
    """There is none: the ticket is only described."""
    VOID = "void"
    """Nobody can open it any more."""
    REVEALED = "revealed"
    """Its buyer has seen it, and keeps it."""
    RESOLD = "resold"
    """Its buyer has sold it to somebody else, so the money stays where it is."""


class TicketReturn(CamelModel):
    """What tickets says before the money of an order goes back; `hold` is that of the order."""

    model_config = ConfigDict(frozen=True)

    hold: Annotated[int, Field(ge=1)]
    original: ReturnedOriginal


class _Ticket(Event):
    id: Id
    version: Version
    title: str
    price: Cents
    user_id: Id
    order_id: Id | None = None
    status: TicketStatus = TicketStatus.AVAILABLE
    late_edit: Listing | None = None
    """The seller's edit that came after the order. It applies when the ticket is free again."""
    show: Omittable[ShowFacts] = None
    """A copy of the facts of its show."""
    seat: Omittable[Seat] = None
    face_value: Omittable[Cents] = None
    withdrawn: Omittable[bool] = None
    """Whether its seller took it off the market. Nobody can order it then."""
    withdrawing: Omittable[bool] = None
    """Whether it becomes withdrawn, and not available, if its order is cancelled."""
    withdrawn_by_operator: Omittable[bool] = None
    """Whether it is an operator who withdrew it."""
    protection: Omittable[Protection] = None
    """What is known of its original; None means that only its seller's words are."""
    frozen_until: Omittable[datetime] = None
    """Until when nobody can order it, because another person listed the same code."""
    returned: Omittable[TicketReturn] = None
    """What became of its original after buyer and seller agreed on a refund."""

    @property
    def show_id(self) -> str | None:
        """The id of its show."""
        return self.show and self.show.id


class TicketCreated(_Ticket):
    """A ticket was listed."""

    subject = "ticket.created"


class TicketUpdated(_Ticket):
    """A ticket was edited, locked, released or sold."""

    subject = "ticket.updated"


TicketEvent = TicketCreated | TicketUpdated


class _Show(Event):
    id: Id
    version: Version
    user_id: Id
    """Who created it."""
    name: str
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    venue: Venue
    category: ShowCategory
    cancelled_at: Omittable[datetime] = None


class ShowCreated(_Show):
    """A show was entered by the first seller of a ticket for it."""

    subject = "show.created"


class ShowUpdated(_Show):
    """A show was edited, cancelled, or closed to edits by its creator."""

    subject = "show.updated"


ShowEvent = ShowCreated | ShowUpdated


class VaultState(StrEnum):
    """Whether somebody has seen the original of a ticket."""

    SEALED = "sealed"
    REVEALED = "revealed"
    VOID = "void"


class _VaultEntry(Event):
    id: Id
    version: Version
    ticket_id: Id
    """The newest listing of the ticket."""
    state: VaultState
    digest: str
    symbologies: tuple[str, ...] = ()
    uploaded_by: Id
    revealed_at: Omittable[datetime] = None
    earlier: Omittable[tuple[Id, ...]] = None
    """The listings of the ticket that were sold before, the oldest first."""


class VaultCreated(_VaultEntry):
    """The original of a ticket was uploaded."""

    subject = "vault.created"


class VaultUpdated(_VaultEntry):
    """An original was revealed, listed again, or removed."""

    subject = "vault.updated"


VaultEvent = VaultCreated | VaultUpdated


class OrderStatus(StrEnum):
    """The state of an order."""

    CREATED = "created"
    AWAITING_PAYMENT = "awaiting:payment"
    COMPLETE = "complete"
    CANCELLED = "cancelled"


class CancelReason(StrEnum):
    """Why an order was cancelled."""

    BUYER = "buyer"
    EXPIRED = "expired"
    PAYMENT_FAILED = "payment failed"


class Outcome(StrEnum):
    """What became of a paid order."""

    KEPT = "kept"
    RETURNING = "returning"
    REFUNDED = "refunded"
    CHARGED_BACK = "charged_back"


class OrderedTicket(CamelModel):
    """The ticket as it was when it was ordered, and the fencing token of the order.

    `hold` grows with each order placed on the ticket. An event of an order with a smaller hold than
    the last one applied belongs to a dead order.
    """

    model_config = ConfigDict(frozen=True)

    id: Id
    title: str
    price: Cents
    hold: Annotated[int, Field(ge=1)]
    show: Omittable[OrderedShow] = None
    seat: Omittable[Seat] = None
    seller_id: Omittable[Id] = None
    protection: Omittable[Protection] = None
    """What was known of its original when it was ordered."""


class _Order(Event):
    id: Id
    version: Version
    status: OrderStatus
    user_id: Id
    expires_at: datetime
    ticket: OrderedTicket
    reason: CancelReason | None = None
    detail: Omittable[str] = None
    """Why, where the reason does not say it, such as "show cancelled"."""
    outcome: Omittable[Outcome] = None
    release_at: Omittable[datetime] = None
    """When its seller is paid, if nothing happens until then."""
    refund_offered_at: Omittable[datetime] = None
    """When its seller offered to return the money."""
    refund_agreed_at: Omittable[datetime] = None
    """When its buyer accepted that, or an operator decided it."""
    disputed: Omittable[bool] = None
    """Whether the buyer's bank is deciding about the payment."""
    created_at: Omittable[datetime] = None
    revealed_at: Omittable[datetime] = None
    """When its buyer was first shown the original of the ticket."""
    received_at: Omittable[datetime] = None
    """When its buyer had the ticket: was shown it, or said that it arrived."""


class OrderCreated(_Order):
    """A ticket was reserved for a buyer."""

    subject = "order.created"


class OrderUpdated(_Order):
    """An order awaits payment; its ticket stays reserved."""

    subject = "order.updated"


class OrderCancelled(_Order):
    """An order was cancelled by its buyer, by expiration or by a final payment failure."""

    subject = "order.cancelled"


class OrderCompleted(_Order):
    """An order was paid."""

    subject = "order.completed"


OrderEvent = OrderCreated | OrderUpdated | OrderCancelled | OrderCompleted


class ExpirationCompleted(Event):
    """An order's payment window is over."""

    subject = "expiration.completed"

    order_id: Id


class ChargeStatus(StrEnum):
    """The state of an order's payment."""

    CREATED = "created"
    PROCESSING = "processing"
    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    REFUND_PENDING = "refund_pending"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"
    CANCELED = "canceled"


class PayoutState(StrEnum):
    """Where the seller's money is. The set is fixed: a reader of yesterday would reject more."""

    HELD = "held"
    SENDING = "sending"
    SENT = "sent"
    RECALLING = "recalling"
    RECALLED = "recalled"
    SHORT = "short"
    FROZEN = "frozen"
    VOID = "void"


class DisputeStatus(StrEnum):
    """What the buyer's bank does about a payment. The set is fixed, like the states of a payout."""

    INQUIRY = "inquiry"
    OPEN = "open"
    WON = "won"
    LOST = "lost"


class PayoutFacts(CamelModel):
    """The public facts of a payout."""

    model_config = ConfigDict(frozen=True)

    state: PayoutState
    reason: Omittable[str] = None
    """Why it is frozen, void or short."""
    transfer_id: Omittable[str] = None
    """Stripe's id of the transfer to the seller."""
    amount: Omittable[Cents] = None
    """What was transferred, which is less than the net if the seller owed something."""


class DisputeFacts(CamelModel):
    """The public facts of a dispute; `amount` is in cents."""

    model_config = ConfigDict(frozen=True)

    status: DisputeStatus
    amount: Cents
    id: Omittable[str] = None
    """Stripe's id of the dispute."""


class _Payment(Event):
    id: Id
    version: Version
    order_id: Id
    amount: Cents
    status: ChargeStatus
    stripe_id: str | None = None
    stripe_refund_id: str | None = None
    reason: str | None = None
    user_id: Omittable[Id] = None
    """Who pays."""
    refunded_at: Omittable[datetime] = None
    seller_id: Omittable[Id] = None
    """Who is paid."""
    net: Omittable[Cents] = None
    """What the seller gets."""
    release_at: Omittable[datetime] = None
    """When the seller is paid, if nothing happens until then."""
    payout: Omittable[PayoutFacts] = None
    dispute: Omittable[DisputeFacts] = None


class PaymentCreated(_Payment):
    """An order was paid."""

    subject = "payment.created"


class PaymentFailed(_Payment):
    """A card was declined; `final` if no further attempt is allowed."""

    subject = "payment.failed"

    final: bool = False


class PaymentUpdated(_Payment):
    """A charge changed in a way that does not affect its order."""

    subject = "payment.updated"

    updated_at: Omittable[datetime] = None


class PaymentRefunded(_Payment):
    """The payment of a cancelled order was refunded."""

    subject = "payment.refunded"


PaymentEvent = PaymentCreated | PaymentFailed | PaymentUpdated | PaymentRefunded


class TransfersStatus(StrEnum):
    """Whether Stripe lets a seller receive money. The set is fixed."""

    PENDING = "pending"
    ACTIVE = "active"
    RESTRICTED = "restricted"
    REJECTED = "rejected"
    CLOSED = "closed"


class _Seller(Event):
    """The account of a seller; its id is that of the user."""

    id: Id
    version: Version
    transfers: TransfersStatus


class SellerCreated(_Seller):
    """A user asked to be paid."""

    subject = "seller.created"


class SellerUpdated(_Seller):
    """An account of a seller changed."""

    subject = "seller.updated"


SellerEvent = SellerCreated | SellerUpdated


class SessionRevoked(Event):
    """A session was ended: its access tokens are invalid until the last of them has expired."""

    subject = "session.revoked"

    user_id: Id
    session_id: Id
    until: datetime


class AllSessionsRevoked(Event):
    """All sessions of a user that started before a time were ended, except possibly one.

    Attributes:
        before: sessions that started earlier are ended. Each event of a user has a later time.
        except_session_id: the session that continues.
        until: when the last access token of the ended sessions has expired.
    """

    subject = "session.all_revoked"

    user_id: Id
    before: datetime
    except_session_id: Id | None = None
    until: datetime


SessionEvent = SessionRevoked | AllSessionsRevoked


class _User(Event):
    """An account. Its address, name and password are in no event.

    Attributes:
        verified: whether the user proved that letters to the address arrive.
        verification_requested_at: when the user last asked for a letter to prove it.
        password_changed_at: when the password was last changed.
        email_requested_at: when the change of the address was asked for that is not verified yet.
        email_changed_at: when the address was last changed.
        passkey_added_at: when a passkey was last added; `passkey_removed_at` likewise.
        second_factor_removal_at: when the second factor is removed, if that was announced.
        closing: whether the account is about to be deleted. Its listings are withdrawn.
        closing_at: when its owner, or an operator, asked for that.
        kept_at: when its deletion was last given up, because something had to be completed first.
        signed_in_from_unknown_device_at: when a browser that had not signed in before last did.
    """

    id: Id
    version: Version
    created_at: datetime
    verified: bool
    verification_requested_at: Omittable[datetime] = None
    password_changed_at: Omittable[datetime] = None
    email_requested_at: Omittable[datetime] = None
    email_changed_at: Omittable[datetime] = None
    passkey_added_at: Omittable[datetime] = None
    passkey_removed_at: Omittable[datetime] = None
    second_factor_removal_at: Omittable[datetime] = None
    closing: Omittable[bool] = None
    closing_at: Omittable[datetime] = None
    kept_at: Omittable[datetime] = None
    signed_in_from_unknown_device_at: Omittable[datetime] = None


class UserCreated(_User):
    """A user signed up."""

    subject = "user.created"


class UserUpdated(_User):
    """A user changed the address, the password or a setting, or used another device, or leaves."""

    subject = "user.updated"


UserEvent = UserCreated | UserUpdated


class UserDeleted(Event):
    """An account was deleted. Services erase what they hold of it, but for the user's id.

    It is published twice, so that what arrived meanwhile is erased too.
    """

    subject = "user.deleted"

    id: Id
    version: Version
    deleted_at: datetime


class WithdrawnListing(CamelModel):
    """A withdrawn ticket, and the version from which on it is withdrawn."""

    model_config = ConfigDict(frozen=True)

    ticket_id: Id
    version: Version


class Portion(CamelModel):
    """Which of several events this is, because a single one would be too large.

    Attributes:
        of: the id that all of them share.
        number: that of this one, from 0.
        count: how many there are.
    """

    model_config = ConfigDict(frozen=True)

    of: Id
    number: Annotated[int, Field(ge=0)]
    count: Annotated[int, Field(ge=1)]


class ListingsWithdrawn(Event):
    """The listings of a user whose account is closing are withdrawn.

    Attributes:
        portion: which part of the listings these are, if they are too many for one event.
    """

    subject = "listings.withdrawn"

    user_id: Id
    closing_at: datetime
    listings: tuple[WithdrawnListing, ...] = ()
    portion: Omittable[Portion] = None


class ReservationsClosed(Event):
    """Nobody can order from a user any more, because orders knows that all listings are withdrawn.

    Every order that was placed before is in an earlier event.
    """

    subject = "reservations.closed"

    user_id: Id
    closing_at: datetime


EVENT_TYPES: Final[tuple[type[Event], ...]] = (
    *get_args(TicketEvent),
    *get_args(ShowEvent),
    *get_args(VaultEvent),
    *get_args(OrderEvent),
    ExpirationCompleted,
    *get_args(PaymentEvent),
    *get_args(SellerEvent),
    *get_args(SessionEvent),
    *get_args(UserEvent),
    UserDeleted,
    ListingsWithdrawn,
    ReservationsClosed,
)

STREAMS: Final[dict[str, tuple[str, ...]]] = {
    "tickets": ("ticket", "show", "vault", "listings"),
    "orders": ("order", "reservations"),
    "expiration": ("expiration",),
    "payments": ("payment", "seller"),
    "auth": ("session", "user"),
}
"""One stream per publishing service, and the first words of its subjects."""
BUSY: Final = frozenset({"ticket", "order", "payment"})
"""The first words of the events of each purchase. A consumer that handles none of them in its
stream is not sent them."""


def stream_of(event: type[Event]) -> str:
    """Return the stream of an event."""
    first_word = event.subject.partition(".")[0]
    return next(stream for stream, first_words in STREAMS.items() if first_word in first_words)
