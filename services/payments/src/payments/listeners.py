"""The events that payments consumes: the orders to be paid, and those that will not be."""

from common.events import OrderCancelled, OrderCompleted, OrderCreated, OrderUpdated
from common.messaging.bus import Handlers, handlers
from payments.domain import Order
from payments.service import PaymentService


def listeners(payments: PaymentService) -> Handlers:
    """Return the handler of each consumed event."""

    async def on_order(
        event: OrderCreated | OrderUpdated | OrderCancelled | OrderCompleted,
    ) -> None:
        order = Order(
            id=event.id,
            user_id=event.user_id,
            price=event.ticket.price,
            status=event.status,
            expires_at=event.expires_at,
        )
        await payments.apply_order(order, event.version)

    return handlers(on_order)
