"""Request and response bodies of the orders API."""

from datetime import datetime

from common.events import CancelReason, OrderStatus, Outcome
from common.shows import OrderedShow, Seat
from common.values.camel_model import CamelModel, Omittable
from common.values.ids import Id
from common.values.money import Dollars, Price


class OrderIn(CamelModel):
    """The ticket to reserve, and the price that its buyer saw."""

    ticket_id: Id
    price: Price | None = None


class OrderedTicketOut(CamelModel):
    """The ticket at the time of the order."""

    id: str
    title: str
    price: Dollars
    show: Omittable[OrderedShow] = None
    seat: Omittable[Seat] = None


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


class OrderOut(OrderEventOut):
    """An order of the signed-in user."""

    created_at: datetime
