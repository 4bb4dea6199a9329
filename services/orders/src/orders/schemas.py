"""What the wire sees of an order."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from common import money
from common.events import CancelReason, OrderStatus
from common.http import Wire
from common.ids import Id
from orders.domain import Order


class OrderIn(Wire):
    """What a buyer sends."""

    ticket_id: Id


class OrderedTicketOut(Wire):
    """The ticket as it was when it was ordered."""

    id: str
    title: str
    price: Annotated[float, Field(examples=[19.99])]


class OrderOut(Wire):
    """What its buyer sees."""

    id: str
    user_id: str
    status: OrderStatus
    expires_at: datetime
    ticket: OrderedTicketOut
    reason: CancelReason | None
    version: int
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
