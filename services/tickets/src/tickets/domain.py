"""Rules of a ticket: who may edit it, and how its orders change its status.

available --order created--> reserved --order completed--> sold
    ^                           |
    +------order cancelled------+

Only its owner edits a ticket, and only while it is available. Order events lock, free and sell it.
A ticket that is reserved or sold has the title and price of its order. An edit that was accepted
before the order's event arrived is kept aside, and applies when the ticket is free again.

Order events may arrive twice, late or out of order, so a ticket stores the fence (hold, order
version) of the last event applied and ignores any event that is not newer.
"""

from dataclasses import dataclass, replace
from datetime import datetime
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
"""The status of a ticket for each status of its newest order."""


@dataclass(frozen=True, slots=True, order=True)
class Fence:
    """The position of an order event among all events of a ticket's orders."""

    hold: int = 0
    version: int = -1


@dataclass(frozen=True, slots=True)
class Listing:
    """The title and the price, in cents, for which a ticket is offered or was reserved."""

    title: str
    price: int


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket listed by a seller. The price is in cents.

    `late_edit` is the seller's latest edit if the order that holds the ticket was placed without
    it.
    """

    id: str
    version: int
    title: str
    price: int
    user_id: str
    created_at: datetime
    status: TicketStatus = TicketStatus.AVAILABLE
    order_id: str | None = None
    fence: Fence = Fence()
    late_edit: Listing | None = None

    def edit(
        self,
        *,
        user_id: str,
        title: str,
        price: int,
        expected_versions: frozenset[int] | None = None,
    ) -> Change["Ticket"]:
        """Change the title and the price, in cents.

        `expected_versions` are the versions that may be edited. None allows every version.

        Raises:
            Unauthorized: The user is not the seller.
            BadRequest: The ticket is reserved or sold.
            PreconditionFailed: The current version is not an expected one.
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

    def apply_order(
        self, order_id: str, status: OrderStatus, fence: Fence, ordered: Listing
    ) -> Change["Ticket"]:
        """Lock, free or sell the ticket if the event is newer than the last one applied.

        `ordered` is what the buyer ordered, which the seller may have edited in the meantime.
        """
        if fence <= self.fence:
            return Change(self)
        new_status = STATUS_FOR_ORDER[status]
        is_free = new_status is TicketStatus.AVAILABLE
        offered = self.late_edit or Listing(self.title, self.price)
        shown = offered if is_free else ordered
        return self._next_version(
            replace(
                self,
                title=shown.title,
                price=shown.price,
                status=new_status,
                order_id=None if is_free else order_id,
                fence=fence,
                late_edit=None if shown == offered else offered,
            )
        )

    def _next_version(self, after: "Ticket") -> Change["Ticket"]:
        after = replace(after, version=self.version + 1)
        return Change(after, (after.to_event(),))

    def to_event(self) -> TicketUpdated:
        """Return the event that publishes the ticket's current state."""
        return TicketUpdated.from_attributes(self)


def list_ticket(
    *, ticket_id: str, title: str, price: int, seller_id: str, now: datetime
) -> Change[Ticket]:
    """Create an available ticket."""
    created = TicketCreated(id=ticket_id, version=0, title=title, price=price, user_id=seller_id)
    return Change(Ticket(ticket_id, 0, title, price, seller_id, now), (created,))
