"""Rules of an order: its states, its transitions and who may cause them.

created ----> awaiting:payment ----> complete
   |                 |                  ^
   +-----------------|------------------+
   +-----------------+-------------> cancelled (buyer, expired, payment failed)

`complete` and `cancelled` are final. A buyer's command may be refused. An event is never refused: a
late or repeated one changes nothing.

So that nobody holds more than their share, an order takes one of the buyer's `limit` slots until it
is paid or cancelled, and a buyer who orders the same ticket repeatedly without paying has to wait.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from common.change import Change
from common.errors import BadRequest, Conflict, TooManyRequests, Unauthorized
from common.events import (
    CancelReason,
    Event,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderStatus,
    OrderUpdated,
)
from common.values import money

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
REPEAT_PERIOD: Final = timedelta(hours=24)
REPEAT_WAITS: Final = tuple(timedelta(minutes=minutes) for minutes in (0, 1, 5, 15))
"""The waits before the first, second, third, and any further repeat."""

_EVENT_FOR_STATUS: Final = {
    OrderStatus.CREATED: OrderCreated,
    OrderStatus.AWAITING_PAYMENT: OrderUpdated,
    OrderStatus.COMPLETE: OrderCompleted,
    OrderStatus.CANCELLED: OrderCancelled,
}


@dataclass(frozen=True, slots=True)
class ListedTicket:
    """The local copy of a ticket, built from ticket events.

    Its title and price, in cents, are those of the next order on it.
    """

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
    slot: int | None = None
    """Which of the buyer's unpaid orders it is. Orders stored by earlier versions have none."""
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


@dataclass(frozen=True, slots=True)
class EarlierOrders:
    """The orders of one buyer on one ticket that were cancelled within `REPEAT_PERIOD`."""

    count: int
    last_cancelled_at: datetime

    def require_wait(self, now: datetime) -> None:
        """Raise `TooManyRequests` if the buyer has to wait before the next order on the ticket."""
        wait = REPEAT_WAITS[min(self.count, len(REPEAT_WAITS)) - 1]
        remaining = self.last_cancelled_at + wait - now
        if remaining > timedelta():
            raise TooManyRequests(
                "You have ordered this ticket repeatedly without paying",
                retry_after=_whole_seconds(remaining),
            )


def first_slot(order_id: str, limit: int) -> int:
    """Return the slot to try first, which is a random one because ids are."""
    return int(order_id, 16) % limit


def free_slot(order_id: str, *, limit: int, taken: Mapping[int, datetime], now: datetime) -> int:
    """Return a slot that no unpaid order of the buyer has.

    `taken` maps the slot of each unpaid order to the time when it expires.

    Raises:
        TooManyRequests: The buyer has as many unpaid orders as the limit allows.
    """
    free = [slot for slot in range(limit) if slot not in taken]
    if not free:
        raise TooManyRequests(
            "You have too many unpaid orders", retry_after=_whole_seconds(min(taken.values()) - now)
        )
    return free[first_slot(order_id, len(free))]


def _whole_seconds(delay: timedelta) -> int:
    return max(1, math.ceil(delay.total_seconds()))


def place_order(
    *,
    order_id: str,
    ticket: ListedTicket,
    latest_order: Order | None,
    buyer_id: str,
    price: int | None = None,
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
        price: the price that the buyer saw, in cents. None accepts any.
        slot: a slot of the buyer.
        now: the current time.
        window: how long the buyer has to pay.

    Raises:
        BadRequest: The buyer is the seller, or another order holds the ticket.
        Conflict: The ticket has another price.
    """
    if buyer_id == ticket.seller_id:
        raise BadRequest("You cannot order your own ticket")
    if latest_order is not None and latest_order.is_live:
        raise BadRequest("Ticket is already reserved")
    if price is not None and price != ticket.price:
        raise Conflict(f"The price is now {money.price(ticket.price):.2f}", field="price")
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
        slot=slot,
    )
    return Change(order, (order.to_event(),))
