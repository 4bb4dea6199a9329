"""What is allowed with a ticket.

available --order created--> reserved --order completed--> sold
    ^                           |
    +------order cancelled------+

A ticket is edited by its owner only, and only while it is available. Orders lock and free it, by
events that may come twice, late or in the wrong order: the fence (hold, order version) of the last
one applied tells the living from the dead.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from common.change import Change
from common.errors import Invalid, NotAuthorized, PreconditionFailed
from common.events import OrderStatus, TicketCreated, TicketStatus, TicketUpdated

STATUS: Final = {
    OrderStatus.CREATED: TicketStatus.RESERVED,
    OrderStatus.AWAITING_PAYMENT: TicketStatus.RESERVED,
    OrderStatus.COMPLETE: TicketStatus.SOLD,
    OrderStatus.CANCELLED: TicketStatus.AVAILABLE,
}
"""What an order's status makes of its ticket."""


class Sort(StrEnum):
    """Orders of a list of tickets; a minus means the greatest first."""

    NEWEST = "-createdAt"
    OLDEST = "createdAt"
    CHEAPEST = "price"
    DEAREST = "-price"


@dataclass(frozen=True, slots=True, order=True)
class Fence:
    """How far a ticket has followed its orders; a smaller or equal one is old news."""

    hold: int = 0
    version: int = -1


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket that somebody sells; its price in whole cents."""

    id: str
    version: int
    title: str
    price: int
    user_id: str
    created_at: datetime
    status: TicketStatus = TicketStatus.AVAILABLE
    order_id: str | None = None
    fence: Fence = Fence()

    def edit(
        self, *, by: str, title: str, price: int, expected: frozenset[int] | None = None
    ) -> Change["Ticket"]:
        """Change title and price.

        Args:
            by: the user who asks.
            title: the new title.
            price: the new price, in cents.
            expected: the versions that the user has seen; None if any will do.

        Raises:
            NotAuthorized: it is somebody else's ticket.
            Invalid: an order holds it.
            PreconditionFailed: it is not a version that the user has seen.
        """
        if by != self.user_id:
            raise NotAuthorized
        if self.status is not TicketStatus.AVAILABLE:
            raise Invalid("Cannot edit a reserved ticket")
        if expected is not None and self.version not in expected:
            raise PreconditionFailed
        if (title, price) == (self.title, self.price):
            return Change(self)
        return self._changed(replace(self, title=title, price=price))

    def follow(self, order_id: str, status: OrderStatus, fence: Fence) -> Change["Ticket"]:
        """Be locked, freed or sold by an order; total, for events may not refuse."""
        if fence <= self.fence:
            return Change(self)
        becomes = STATUS[status]
        holder = None if becomes is TicketStatus.AVAILABLE else order_id
        return self._changed(replace(self, status=becomes, order_id=holder, fence=fence))

    def _changed(self, after: "Ticket") -> Change["Ticket"]:
        after = replace(after, version=self.version + 1)
        return Change(after, (after.updated(),))

    def updated(self) -> TicketUpdated:
        """Tell what the ticket is now."""
        return TicketUpdated(
            id=self.id,
            version=self.version,
            title=self.title,
            price=self.price,
            user_id=self.user_id,
            order_id=self.order_id,
            status=self.status,
        )


def listed(*, ticket_id: str, title: str, price: int, by: str, now: datetime) -> Change[Ticket]:
    """List a ticket for sale."""
    ticket = Ticket(ticket_id, 0, title, price, by, now)
    return Change(
        ticket, (TicketCreated(id=ticket.id, version=0, title=title, price=price, user_id=by),)
    )
