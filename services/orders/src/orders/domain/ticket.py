"""The ticket of an order, as orders knows it and as it was ordered."""

from dataclasses import dataclass
from datetime import datetime

from common.errors import BadRequest
from common.shows import OrderedShow, Seat


@dataclass(frozen=True, slots=True)
class ListedTicket:
    """The local copy of a ticket, built from ticket events.

    Its title and price, in cents, are those of the next order on it.

    Attributes:
        withdrawn: whether its seller has withdrawn it, even if an order that was placed before
            still holds it.
        show_cancelled: whether its show is cancelled.
    """

    id: str
    version: int
    title: str
    price: int
    seller_id: str
    show: OrderedShow | None = None
    seat: Seat | None = None
    withdrawn: bool = False
    show_cancelled: bool = False

    @property
    def may_have_orders(self) -> bool:
        """Whether it may have been ordered before, because it has changed since it was listed."""
        return self.version > 0

    def require_on_sale(self, now: datetime) -> None:
        """Raise `BadRequest` if nobody may order the ticket any more."""
        if self.withdrawn:
            raise BadRequest("Ticket was withdrawn by its seller")
        if self.show_cancelled:
            raise BadRequest("The show is cancelled")
        if self.show is not None and now >= self.show.starts_at:
            raise BadRequest("The show has started")


@dataclass(frozen=True, slots=True)
class ReservedTicket:
    """The ticket at the time of the order; `hold`, its name on the wire, is the fencing token.

    Attributes:
        version: the version of the copy that was ordered.
        seller_id: None, as `version`, if an earlier version of this service stored the order.
    """

    id: str
    title: str
    price: int
    hold: int
    show: OrderedShow | None = None
    seat: Seat | None = None
    seller_id: str | None = None
    version: int | None = None
