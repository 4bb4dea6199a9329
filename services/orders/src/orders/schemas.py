"""Request and response bodies of the orders API."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from common.events import CancelReason, OrderStatus, Outcome
from common.protection import ProtectionGrade
from common.shows import OrderedShow, Seat
from common.values.camel_model import CamelModel, Omittable
from common.values.ids import Id
from common.values.money import Dollars, Price
from orders.domain.ticket import OMITTED, SeenTicket


class OrderIn(CamelModel):
    """The ticket to reserve, and what its buyer saw of it.

    A field that is absent is not compared. A show or a seat that is null says that the buyer saw
    none.
    """

    ticket_id: Id
    price: Price | None = None
    show_id: Id | None = None
    show_version: Annotated[int, Field(ge=0)] | None = None
    seat: Seat | None = None

    def to_seen_ticket(self) -> SeenTicket:
        """Return what the buyer saw."""
        given = self.model_fields_set
        return SeenTicket(
            price=self.price,
            show_id=self.show_id if "show_id" in given else OMITTED,
            show_version=self.show_version,
            seat=self.seat if "seat" in given else OMITTED,
        )


class OrderedProtectionOut(CamelModel):
    """What was known of the ticket at the time of the order."""

    grade: ProtectionGrade
    symbologies: tuple[str, ...] = ()
    """The kinds of its codes, such as `qr`."""
    revealed: bool = False
    """Whether an earlier holder has seen its codes."""


class OrderedTicketOut(CamelModel):
    """The ticket at the time of the order."""

    id: str
    title: str
    price: Dollars
    show: Omittable[OrderedShow] = None
    seat: Omittable[Seat] = None
    protection: Omittable[OrderedProtectionOut] = None
    """Absent if the ticket was only described."""


class OrderEventOut(CamelModel):
    """An order as sent in server-sent events."""

    id: str
    user_id: str
    status: OrderStatus
    expires_at: datetime
    ticket: OrderedTicketOut
    reason: CancelReason | None
    version: int
    detail: Omittable[str] = None
    """Why, where the reason does not say it, such as "show cancelled"."""
    outcome: Omittable[Outcome] = None
    """What becomes of a complete order, such as `returning`: the money will be returned."""
    refund_offered_at: Omittable[datetime] = None
    """When the seller offered to return the money."""
    refund_agreed_at: Omittable[datetime] = None
    """When you accepted that, or an operator decided it."""
    disputed: Omittable[bool] = None
    """Whether your bank is deciding about the payment."""


class OrderOut(OrderEventOut):
    """An order of the signed-in user."""

    created_at: datetime
    received_at: Omittable[datetime] = None
    """When the buyer had the ticket: revealed it, or said that it arrived."""


class RefundOfferOut(CamelModel):
    """What the seller of an order sees of its refund."""

    id: str
    refund_offered_at: datetime
    refund_agreed_at: Omittable[datetime] = None
    outcome: Omittable[Outcome] = None
