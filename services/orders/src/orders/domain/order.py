"""Rules of an order: its states, its transitions and who may cause them.

created ----> awaiting:payment ----> complete
   |                 |                  ^
   +-----------------|------------------+
   +-----------------+-------------> cancelled (buyer, expired, payment failed)

`complete` and `cancelled` are final; `outcome` says what becomes of a complete order whose show
does not take place, or whose money goes back (`orders.domain.refund`). Nobody can order a withdrawn
ticket, one whose show has started or is cancelled, or one that is checked because another listing
has the same code.

A buyer's command may be refused. An event is never refused: a late or repeated one changes nothing.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from common.change import Change
from common.errors import BadRequest, Unauthorized
from common.events import (
    CancelReason,
    Event,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderStatus,
    OrderUpdated,
    Outcome,
)
from orders.domain.release import release_date
from orders.domain.ticket import NOTHING_SEEN, ListedTicket, ReservedTicket, SeenTicket

TRANSITIONS: Final[dict[OrderStatus, frozenset[OrderStatus]]] = {
    OrderStatus.CREATED: frozenset(
        {OrderStatus.AWAITING_PAYMENT, OrderStatus.COMPLETE, OrderStatus.CANCELLED}
    ),
    OrderStatus.AWAITING_PAYMENT: frozenset({OrderStatus.COMPLETE, OrderStatus.CANCELLED}),
    OrderStatus.COMPLETE: frozenset(),
    OrderStatus.CANCELLED: frozenset(),
}

EARLY_TOLERANCE: Final = timedelta(seconds=2)
"""How much before its time an order may expire, because the clocks of two services differ."""
OVERDUE_GRACE: Final = timedelta(seconds=5)
"""How long after its time an order still waits for the event that expires it."""
UNPAID_STATUSES: Final = (OrderStatus.CREATED, OrderStatus.AWAITING_PAYMENT)
"""The statuses in which an order takes one of its buyer's slots."""
SHOW_CANCELLED: Final = "show cancelled"
"""The detail of an order that its show's cancellation ended."""

_EVENT_FOR_STATUS: Final = {
    OrderStatus.CREATED: OrderCreated,
    OrderStatus.AWAITING_PAYMENT: OrderUpdated,
    OrderStatus.COMPLETE: OrderCompleted,
    OrderStatus.CANCELLED: OrderCancelled,
}


@dataclass(frozen=True, slots=True)
class Order:
    """A buyer's reservation of one ticket, for a limited time."""

    id: str
    version: int
    status: OrderStatus
    user_id: str
    created_at: datetime
    expires_at: datetime
    ticket: ReservedTicket
    slot: int | None = None
    """Which of the buyer's unpaid orders it is. Orders stored by earlier versions have none."""
    reason: CancelReason | None = None
    detail: str | None = None
    """Why, where `reason` does not say it."""
    outcome: Outcome | None = None
    """What becomes of a complete order. None if nothing has happened since it was paid."""
    received_at: datetime | None = None
    """When its buyer had the ticket: revealed it, or said that it arrived."""
    refund_offered_at: datetime | None = None
    """When its seller offered to return the money."""
    refund_agreed_at: datetime | None = None
    """When its buyer accepted that, or an operator decided it."""
    disputed: bool = False
    """Whether the buyer's bank is deciding about the payment."""
    dispute_version: int | None = None
    """The version of the payment that said so last."""
    revealed_at: datetime | None = None
    """When its buyer was first shown the original of the ticket."""

    @property
    def is_live(self) -> bool:
        """Whether the order holds its ticket, which every order does until it is cancelled."""
        return self.status is not OrderStatus.CANCELLED

    @property
    def release_at(self) -> datetime:
        """When its seller is paid."""
        return release_date(
            self.ticket.show, placed_at=self.created_at, received_at=self.received_at
        )

    def require_owner(self, user_id: str) -> None:
        """Raise `Unauthorized` if the user is not the buyer."""
        if user_id != self.user_id:
            raise Unauthorized

    def cancel(self, *, buyer_id: str) -> Change["Order"]:
        """Cancel the order for its buyer. Cancelling it again changes nothing.

        Raises:
            Unauthorized: The order belongs to another buyer.
            BadRequest: The order is paid.
        """
        self.require_owner(buyer_id)
        if self.status is OrderStatus.COMPLETE:
            raise BadRequest("Order is already complete")
        return self._transition(OrderStatus.CANCELLED, CancelReason.BUYER)

    def expire(self) -> Change["Order"]:
        return self._transition(OrderStatus.CANCELLED, CancelReason.EXPIRED)

    def expire_if_due(self, now: datetime) -> Change["Order"]:
        """Expire the order, unless its time is not up by our own clock."""
        return self.expire() if self.time_left(now) <= EARLY_TOLERANCE else Change(self)

    def time_left(self, now: datetime) -> timedelta:
        """Return the time left to pay; it is zero or less if there is none."""
        is_unpaid = self.status in UNPAID_STATUSES
        return self.expires_at - now if is_unpaid else timedelta()

    def mark_awaiting_payment(self) -> Change["Order"]:
        return self._transition(OrderStatus.AWAITING_PAYMENT)

    def complete(self) -> Change["Order"]:
        """Mark the order as paid. A cancelled order stays so, and payments refunds the money."""
        return self._transition(OrderStatus.COMPLETE)

    def fail_payment(self) -> Change["Order"]:
        """Cancel the order because its buyer may not try to pay again."""
        return self._transition(OrderStatus.CANCELLED, CancelReason.PAYMENT_FAILED)

    def end_for_cancelled_show(self) -> Change["Order"]:
        """Cancel the order if it is unpaid. If it is paid, its money has to be returned."""
        if self.status is OrderStatus.COMPLETE and self.outcome in {None, Outcome.KEPT}:
            return self.amend(outcome=Outcome.RETURNING, detail=SHOW_CANCELLED)
        return self._transition(OrderStatus.CANCELLED, CancelReason.EXPIRED, SHOW_CANCELLED)

    def confirm_receipt(self, *, buyer_id: str, now: datetime) -> Change["Order"]:
        """Record the buyer's word that the ticket arrived. Repeating it changes nothing.

        Raises:
            Unauthorized: The order belongs to another buyer.
            BadRequest: The order is not paid.
        """
        self.require_owner(buyer_id)
        if self.status is not OrderStatus.COMPLETE:
            raise BadRequest("Order is not paid")
        return Change(self) if self.received_at is not None else self.amend(received_at=now)

    def record_reveal(self, at: datetime) -> Change["Order"]:
        """Record when the buyer was first shown the ticket, which is evidence in a dispute.

        Without a show it also decides when the seller is paid. A ticket may have been shown to an
        earlier holder, who listed it again.
        """
        is_own = self.status is OrderStatus.COMPLETE and at >= self.created_at
        if not is_own or self.revealed_at is not None:
            return Change(self)
        is_receipt = self.ticket.show is None and self.received_at is None
        return self.amend(revealed_at=at, **({"received_at": at} if is_receipt else {}))

    def record_seller(self, seller_id: str) -> Change["Order"]:
        """Record the seller of a paid order that an earlier version of this service stored."""
        if self.status is not OrderStatus.COMPLETE or self.ticket.seller_id is not None:
            return Change(self)
        return self.amend(ticket=replace(self.ticket, seller_id=seller_id))

    def amend(self, **facts: Any) -> Change["Order"]:
        """Return a complete order with more facts. Its status is final."""
        after = replace(self, version=self.version + 1, **facts)
        return Change(after, (OrderUpdated.from_attributes(after),))

    def _transition(
        self, status: OrderStatus, reason: CancelReason | None = None, detail: str | None = None
    ) -> Change["Order"]:
        if status not in TRANSITIONS[self.status]:
            return Change(self)
        after = replace(self, status=status, reason=reason, detail=detail, version=self.version + 1)
        return Change(after, (after.to_event(),))

    def to_event(self) -> Event:
        """Return the event that publishes the order's current state."""
        return _EVENT_FOR_STATUS[self.status].from_attributes(self)


def place_order(
    *,
    order_id: str,
    ticket: ListedTicket,
    latest_order: Order | None,
    buyer_id: str,
    seen: SeenTicket = NOTHING_SEEN,
    slot: int,
    now: datetime,
    window: timedelta,
) -> Change[Order]:
    """Create an order that reserves the ticket until `now + window`.

    Args:
        order_id: the id of the new order.
        ticket: the ticket.
        latest_order: the previous order on the ticket, if any.
        buyer_id: the buyer.
        seen: what the buyer saw of the ticket.
        slot: a slot of the buyer.
        now: the current time.
        window: how long the buyer has to pay.

    Raises:
        BadRequest: The buyer is the seller, the ticket is withdrawn or being checked, its show has
            started or is cancelled, or another order holds the ticket.
        Conflict: The buyer saw another price, show or seat.
    """
    if buyer_id == ticket.seller_id:
        raise BadRequest("You cannot order your own ticket")
    ticket.require_on_sale(now)
    if latest_order is not None and latest_order.is_live:
        raise BadRequest("Ticket is already reserved")
    ticket.require_unchanged(seen)
    order = Order(
        id=order_id,
        version=0,
        status=OrderStatus.CREATED,
        user_id=buyer_id,
        created_at=now,
        expires_at=now + window,
        ticket=ReservedTicket(
            id=ticket.id,
            title=ticket.title,
            price=ticket.price,
            hold=1 if latest_order is None else latest_order.ticket.hold + 1,
            show=ticket.show,
            seat=ticket.seat,
            seller_id=ticket.seller_id,
            version=ticket.version,
            protection=ticket.protection,
        ),
        slot=slot,
    )
    return Change(order, (order.to_event(),))
