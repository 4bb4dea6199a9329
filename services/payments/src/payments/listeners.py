"""What payments hears: the orders to be paid, and those that will not be."""

from common.events import OrderCancelled, OrderCompleted, OrderCreated, OrderUpdated
from common.messaging.bus import Handlers, handlers
from payments.domain import Order
from payments.service import PaymentService


def listeners(payments: PaymentService) -> Handlers:
    """Say what is done about each event."""

    async def apply(
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

    async def on_order_created(event: OrderCreated) -> None:
        await apply(event)

    async def on_order_updated(event: OrderUpdated) -> None:
        await apply(event)

    async def on_order_cancelled(event: OrderCancelled) -> None:
        await apply(event)

    async def on_order_completed(event: OrderCompleted) -> None:
        await apply(event)

    return handlers(on_order_created, on_order_updated, on_order_cancelled, on_order_completed)
