"""The events that expiration consumes: orders set their deadlines and clear them."""

from common.events import OrderEvent
from common.messaging.bus import Handlers, handlers
from expiration.service import ExpirationService


def listeners(expirations: ExpirationService) -> Handlers:
    """Return the handler of each consumed event."""

    async def on_order(event: OrderEvent) -> None:
        await expirations.apply_order(
            event.id, event.status, expires_at=event.expires_at, version=event.version
        )

    return handlers(on_order)
