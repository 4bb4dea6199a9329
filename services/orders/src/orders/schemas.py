"""Request and response bodies of the orders API."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BeforeValidator, Field

from common.events import (
    CancelReason,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderStatus,
    OrderUpdated,
)
from common.values import money
from common.values.ids import Id
from common.web.schemas import CamelModel
from orders.domain import Order

OrderEvent = OrderCreated | OrderUpdated | OrderCancelled | OrderCompleted


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

    @classmethod
    def from_event(cls, event: OrderEvent) -> Self:
        return cls.model_validate(event, from_attributes=True, by_alias=False, by_name=True)


class OrderOut(OrderEventOut):
    """An order of the signed-in user."""

    created_at: datetime

    @classmethod
    def from_domain(cls, order: Order) -> Self:
        return cls.model_validate(order, from_attributes=True, by_alias=False, by_name=True)
