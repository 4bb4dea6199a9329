"""What is allowed with an order.

created ----> awaiting:payment ----> complete
   |                 |                  ^
   +-----------------|------------------+
   +-----------------+-------------> cancelled (buyer, expired, payment failed)

`complete` and `cancelled` are final. A buyer's command may be refused; an event never is: one that
comes late or twice changes nothing.
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
    OrderedTicket,
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
"""What is told when an order has come to a status."""


@dataclass(frozen=True, slots=True)
class ListedTicket:
    """A ticket as orders knows it from tickets' events; its price in cents."""

    id: str
    version: int
    title: str
    price: int
    seller_id: str

    @property
    def may_have_orders(self) -> bool:
        """Whether it may have been: as far as is known here, it was changed since it was listed."""
        return self.version > 0


@dataclass(frozen=True, slots=True)
class ReservedTicket:
    """The ticket as it was when it was ordered, and the fence of its order."""

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
        """Whether the ticket is taken by it: any order that was not given up."""
        return self.status is not OrderStatus.CANCELLED

    def require_owner(self, user_id: str) -> None:
        """Refuse anybody else.

        Raises:
            NotAuthorized: it is another buyer's order.
        """
        if user_id != self.user_id:
            raise Unauthorized

    def cancel(self, *, buyer_id: str) -> Change["Order"]:
        """Give the order up because its buyer wants to; a second time changes nothing.

        Raises:
            NotAuthorized: it is another buyer's order.
            Invalid: it is paid.
        """
        self.require_owner(buyer_id)
        if self.status is OrderStatus.COMPLETE:
            raise BadRequest("Order is already complete")
        return self._transition(OrderStatus.CANCELLED, CancelReason.BUYER)

    def expire(self) -> Change["Order"]:
        """Give the order up because its time ran out; a paid one stays."""
        return self._transition(OrderStatus.CANCELLED, CancelReason.EXPIRED)

    def mark_awaiting_payment(self) -> Change["Order"]:
        """Note that its buyer has begun to pay."""
        return self._transition(OrderStatus.AWAITING_PAYMENT)

    def complete(self) -> Change["Order"]:
        """Note that it is paid; one that was given up stays so, and payments gives back."""
        return self._transition(OrderStatus.COMPLETE)

    def fail_payment(self) -> Change["Order"]:
        """Give the order up because no further payment is allowed."""
        return self._transition(OrderStatus.CANCELLED, CancelReason.PAYMENT_FAILED)

    def _transition(
        self, status: OrderStatus, reason: CancelReason | None = None
    ) -> Change["Order"]:
        if status not in TRANSITIONS[self.status]:
            return Change(self)
        after = replace(self, status=status, reason=reason, version=self.version + 1)
        return Change(after, (after.to_event(),))

    def to_event(self) -> Event:
        """Tell what the order is now."""
        return _EVENT_FOR_STATUS[self.status](
            id=self.id,
            version=self.version,
            status=self.status,
            user_id=self.user_id,
            expires_at=self.expires_at,
            ticket=OrderedTicket(
                id=self.ticket.id,
                title=self.ticket.title,
                price=self.ticket.price,
                hold=self.ticket.hold,
            ),
            reason=self.reason,
        )


def place_order(
    *,
    order_id: str,
    ticket: ListedTicket,
    latest_order: Order | None,
    buyer_id: str,
    now: datetime,
    window: timedelta,
) -> Change[Order]:
    """Reserve a ticket for a buyer.

    Args:
        order_id: the id that the order shall have.
        ticket: what is ordered.
        latest_order: the order placed on that ticket before, if any.
        buyer_id: the buyer.
        now: when.
        window: how long the ticket stays locked.

    Raises:
        Invalid: the buyer sells it, or an order holds it.
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
