"""What the wire sees of an order."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

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
    price: Annotated[float, Field(examples=[19.99])]


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
        """Show what an event tells."""
        return cls(
            id=event.id,
            user_id=event.user_id,
            status=event.status,
            expires_at=event.expires_at,
            ticket=OrderedTicketOut(
                id=event.ticket.id,
                title=event.ticket.title,
                price=money.price(event.ticket.price),
            ),
            reason=event.reason,
            version=event.version,
        )


class OrderOut(OrderEventOut):
    """An order, as its buyer sees it."""

    created_at: datetime

    @classmethod
    def from_domain(cls, order: Order) -> Self:
        """Show an order."""
        return cls(
            id=order.id,
            user_id=order.user_id,
            status=order.status,
            expires_at=order.expires_at,
            ticket=OrderedTicketOut(
                id=order.ticket.id,
                title=order.ticket.title,
                price=money.price(order.ticket.price),
            ),
            reason=order.reason,
            version=order.version,
            created_at=order.created_at,
        )
