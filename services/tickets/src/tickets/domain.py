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
from common.errors import BadRequest, PreconditionFailed, Unauthorized
from common.events import OrderStatus, TicketCreated, TicketStatus, TicketUpdated

STATUS_FOR_ORDER: Final = {
    OrderStatus.CREATED: TicketStatus.RESERVED,
    OrderStatus.AWAITING_PAYMENT: TicketStatus.RESERVED,
    OrderStatus.COMPLETE: TicketStatus.SOLD,
    OrderStatus.CANCELLED: TicketStatus.AVAILABLE,
}
"""What an order's status makes of its ticket."""


class Sort(StrEnum):
    """Sort keys of the ticket list. A leading minus sorts in descending order."""

    NEWEST = "-createdAt"
    OLDEST = "createdAt"
    PRICE_ASC = "price"
    PRICE_DESC = "-price"


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
        self,
        *,
        user_id: str,
        title: str,
        price: int,
        expected_versions: frozenset[int] | None = None,
    ) -> Change["Ticket"]:
        """Change title and price.

        Args:
            user_id: the user who asks.
            title: the new title.
            price: the new price, in cents.
            expected_versions: the versions that the user has seen; None if any will do.

        Raises:
            NotAuthorized: it is somebody else's ticket.
            Invalid: an order holds it.
            PreconditionFailed: it is not a version that the user has seen.
        """
        if user_id != self.user_id:
            raise Unauthorized
        if self.status is not TicketStatus.AVAILABLE:
            raise BadRequest("Cannot edit a reserved ticket")
        if expected_versions is not None and self.version not in expected_versions:
            raise PreconditionFailed
        if (title, price) == (self.title, self.price):
            return Change(self)
        return self._next_version(replace(self, title=title, price=price))

    def apply_order(self, order_id: str, status: OrderStatus, fence: Fence) -> Change["Ticket"]:
        """Be locked, freed or sold by an order; total, for events may not refuse."""
        if fence <= self.fence:
            return Change(self)
        new_status = STATUS_FOR_ORDER[status]
        holding_order_id = None if new_status is TicketStatus.AVAILABLE else order_id
        return self._next_version(
            replace(self, status=new_status, order_id=holding_order_id, fence=fence)
        )

    def _next_version(self, after: "Ticket") -> Change["Ticket"]:
        after = replace(after, version=self.version + 1)
        return Change(after, (after.to_event(),))

    def to_event(self) -> TicketUpdated:
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


def list_ticket(
    *, ticket_id: str, title: str, price: int, seller_id: str, now: datetime
) -> Change[Ticket]:
    """List a ticket for sale."""
    ticket = Ticket(ticket_id, 0, title, price, seller_id, now)
    return Change(
        ticket,
        (TicketCreated(id=ticket.id, version=0, title=title, price=price, user_id=seller_id),),
    )
