"""The ticket of an order, as orders knows it and as it was ordered."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final, Literal

from common.errors import BadRequest, Conflict
from common.protection import Protection
from common.shows import OrderedShow, Seat
from common.values import money


class Omitted(Enum):
    """What stands for a field that a request does not contain."""

    OMITTED = "omitted"


OMITTED: Final = Omitted.OMITTED


@dataclass(frozen=True, slots=True)
class SeenTicket:
    """What the buyer saw of a ticket. What is omitted is not compared.

    Attributes:
        price: the price, in cents. None accepts any.
        show_id: the show. None says that the buyer saw none.
        show_version: the version of the show's facts. None accepts any.
        seat: the seat. None says that the buyer saw none.
    """

    price: int | None = None
    show_id: str | Literal[Omitted.OMITTED] | None = OMITTED
    show_version: int | None = None
    seat: Seat | Literal[Omitted.OMITTED] | None = OMITTED


NOTHING_SEEN: Final = SeenTicket()
"""What a request says that contains only the ticket's id."""


@dataclass(frozen=True, slots=True)
class ListedTicket:
    """The local copy of a ticket, built from ticket events.

    Its title and price, in cents, are those of the next order on it.

    Attributes:
        show_version: the version of the show's facts. None if there is no show, or an earlier
            version of this service stored the copy.
        withdrawn: whether its seller has withdrawn it, even if an order that was placed before
            still holds it.
        show_cancelled: whether its show is cancelled.
        protection: what is known of the original. None if it is only described.
        frozen_until: until when nobody may order it, because another listing has the same code.
    """

    id: str
    version: int
    title: str
    price: int
    seller_id: str
    show: OrderedShow | None = None
    show_version: int | None = None
    seat: Seat | None = None
    withdrawn: bool = False
    show_cancelled: bool = False
    protection: Protection | None = None
    frozen_until: datetime | None = None

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
        if self.frozen_until is not None and now < self.frozen_until:
            raise BadRequest("This ticket is being checked")

    def require_unchanged(self, seen: SeenTicket) -> None:
        """Raise `Conflict`, on the first field that differs, if the buyer saw another ticket."""
        if seen.price is not None and seen.price != self.price:
            raise Conflict(f"The price is now {money.price(self.price):.2f}", field="price")
        if seen.show_id is not OMITTED and seen.show_id != (self.show and self.show.id):
            raise Conflict(self._describe_show(), field="showId")
        if seen.show_version is not None and self._has_other_facts(seen.show_version):
            raise Conflict(self._describe_show(), field="showVersion")
        if seen.seat is not OMITTED and seen.seat != self.seat:
            raise Conflict(self._describe_seat(), field="seat")

    def _has_other_facts(self, version: int) -> bool:
        is_unknown = self.show is not None and self.show_version is None
        return not is_unknown and version != self.show_version

    def _describe_show(self) -> str:
        if self.show is None:
            return "The ticket has no show now"
        venue = self.show.venue
        starts_at = f"{self.show.starts_at:%Y-%m-%d %H:%M} UTC"
        return f"The show is now {self.show.name}, {starts_at}, {venue.name}, {venue.city}"

    def _describe_seat(self) -> str:
        if self.seat is None:
            return "The ticket has no seat now"
        parts = self.seat.model_dump(by_alias=False)
        return "The seat is now " + ", ".join(f"{name} {value}" for name, value in parts.items())


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
    protection: Protection | None = None
