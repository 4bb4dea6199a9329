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
from common.web.schemas import Wire
from orders.domain import Order

OrderEvent = OrderCreated | OrderUpdated | OrderCancelled | OrderCompleted


class OrderIn(Wire):
    """What a buyer sends."""

    ticket_id: Id


class OrderedTicketOut(Wire):
    """The ticket as it was when it was ordered."""

    id: str
    title: str
    price: Annotated[float, Field(examples=[19.99])]


class OrderSeen(Wire):
    """What its buyer sees of an order while it changes."""

    id: str
    user_id: str
    status: OrderStatus
    expires_at: datetime
    ticket: OrderedTicketOut
    reason: CancelReason | None
    version: int

    @classmethod
    def told(cls, event: OrderEvent) -> Self:
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


class OrderOut(OrderSeen):
    """What its buyer sees of an order."""

    created_at: datetime

    @classmethod
    def of(cls, order: Order) -> Self:
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
