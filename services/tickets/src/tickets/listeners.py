"""What tickets hears: orders lock, free and sell them."""

from common.bus import Handlers, handlers
from common.events import OrderCancelled, OrderCompleted, OrderCreated, OrderUpdated
from tickets.service import Tickets


def listeners(tickets: Tickets) -> Handlers:
    """Say what is done about each event."""

    async def follow(
        event: OrderCreated | OrderUpdated | OrderCancelled | OrderCompleted,
    ) -> None:
        await tickets.follow_order(
            event.ticket.id,
            order_id=event.id,
            status=event.status,
            hold=event.ticket.hold,
            version=event.version,
        )

    async def on_order_created(event: OrderCreated) -> None:
        await follow(event)

    async def on_order_updated(event: OrderUpdated) -> None:
        await follow(event)

    async def on_order_cancelled(event: OrderCancelled) -> None:
        await follow(event)

    async def on_order_completed(event: OrderCompleted) -> None:
        await follow(event)

    return handlers(on_order_created, on_order_updated, on_order_cancelled, on_order_completed)
