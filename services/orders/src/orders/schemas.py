"""Request and response bodies of the orders API."""

from datetime import datetime

from common.events import CancelReason, OrderStatus
from common.values.camel_model import CamelModel
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


class OrderEventOut(CamelModel):
    """An order as sent in server-sent events."""

    id: str
    user_id: str
    status: OrderStatus
    expires_at: datetime
    ticket: OrderedTicketOut
    reason: CancelReason | None
    version: int


class OrderOut(OrderEventOut):
    """An order of the signed-in user."""

    created_at: datetime
