"""Rules of an order: its states, its transitions and who may cause them.

created ----> awaiting:payment ----> complete
   |                 |                  ^
   +-----------------|------------------+
   +-----------------+-------------> cancelled (buyer, expired, payment failed)

`complete` and `cancelled` are final. A buyer's command may be refused. An event is never refused: a
late or repeated one changes nothing.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

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
)

TRANSITIONS: Final[dict[OrderStatus, frozenset[OrderStatus]]] = {
    OrderStatus.CREATED: frozenset(
        {OrderStatus.AWAITING_PAYMENT, OrderStatus.COMPLETE, OrderStatus.CANCELLED}
    ),
    OrderStatus.AWAITING_PAYMENT: frozenset({OrderStatus.COMPLETE, OrderStatus.CANCELLED}),
    OrderStatus.COMPLETE: frozenset(),
    OrderStatus.CANCELLED: frozenset(),
}

_EVENT_FOR_STATUS: Final = {
    OrderStatus.CREATED: OrderCreated,
    OrderStatus.AWAITING_PAYMENT: OrderUpdated,
    OrderStatus.COMPLETE: OrderCompleted,
    OrderStatus.CANCELLED: OrderCancelled,
}


@dataclass(frozen=True, slots=True)
class ListedTicket:
    """The local copy of a ticket, built from ticket events. The price is in cents."""

    id: str
    version: int
    title: str
    price: int
    seller_id: str

    @property
    def may_have_orders(self) -> bool:
        """Whether it may have been ordered before, because it has changed since it was listed."""
        return self.version > 0


@dataclass(frozen=True, slots=True)
class ReservedTicket:
    """The ticket at the time of the order; `hold`, its name on the wire, is the fencing token."""

    id: str
    title: str
    price: int
    hold: int


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
    reason: CancelReason | None = None

    @property
    def is_live(self) -> bool:
        """Whether the order holds its ticket, which every order does until it is cancelled."""
        return self.status is not OrderStatus.CANCELLED

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

    def mark_awaiting_payment(self) -> Change["Order"]:
        return self._transition(OrderStatus.AWAITING_PAYMENT)

    def complete(self) -> Change["Order"]:
        """Mark the order as paid. A cancelled order stays so, and payments refunds the money."""
        return self._transition(OrderStatus.COMPLETE)

    def fail_payment(self) -> Change["Order"]:
        """Cancel the order because its buyer may not try to pay again."""
        return self._transition(OrderStatus.CANCELLED, CancelReason.PAYMENT_FAILED)

    def _transition(
        self, status: OrderStatus, reason: CancelReason | None = None
    ) -> Change["Order"]:
        if status not in TRANSITIONS[self.status]:
            return Change(self)
        after = replace(self, status=status, reason=reason, version=self.version + 1)
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
    now: datetime,
    window: timedelta,
) -> Change[Order]:
    """Create an order that reserves the ticket until `now + window`.

    `latest_order` is the previous order on the same ticket, if any.

    Raises:
        BadRequest: The buyer is the seller, or another order holds the ticket.
    """
    if buyer_id == ticket.seller_id:
        raise BadRequest("You cannot order your own ticket")
    if latest_order is not None and latest_order.is_live:
        raise BadRequest("Ticket is already reserved")
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
        ),
    )
    return Change(order, (order.to_event(),))
