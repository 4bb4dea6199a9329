"""What expiration hears: orders set their deadlines and clear them."""

from common.events import OrderCancelled, OrderCompleted, OrderCreated, OrderUpdated
from common.messaging.bus import Handlers, handlers
from expiration.service import ExpirationService


def listeners(expirations: ExpirationService) -> Handlers:
    """Say what is done about each event."""

    async def apply(
        event: OrderCreated | OrderUpdated | OrderCancelled | OrderCompleted,
    ) -> None:
        await expirations.apply_order(
            event.id, event.status, expires_at=event.expires_at, version=event.version
        )

    async def on_order_created(event: OrderCreated) -> None:
        await apply(event)

    async def on_order_updated(event: OrderUpdated) -> None:
        await apply(event)

    async def on_order_cancelled(event: OrderCancelled) -> None:
        await apply(event)

    async def on_order_completed(event: OrderCompleted) -> None:
        await apply(event)

    return handlers(on_order_created, on_order_updated, on_order_cancelled, on_order_completed)
