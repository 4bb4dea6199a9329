"""Request and response bodies of the orders API."""

from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator, Field

from common.events import CancelReason, OrderStatus
from common.values import money
from common.values.ids import Id
from common.web.schemas import CamelModel


class OrderIn(CamelModel):
    """The ticket to reserve."""

    ticket_id: Id


class OrderedTicketOut(CamelModel):
    """The ticket at the time of the order."""

    id: str
    title: str
    price: Annotated[float, BeforeValidator(money.price), Field(examples=[19.99])]


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
