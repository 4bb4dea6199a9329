"""The events that expiration consumes: orders set their deadlines and clear them."""

from typing import Final

from common.events import OrderEvent
from common.messaging.bus import Handlers, handlers
from expiration.service import ExpirationService

EVENT_INTERVAL_SECONDS: Final = 0.25
"""How long an event may wait for others. The shortest lock that can be set lasts one second."""


def listeners(expirations: ExpirationService) -> Handlers:
    """Return the handler of each consumed event."""

    async def on_order(event: OrderEvent) -> None:
        await expirations.apply_order(
            event.id, event.status, expires_at=event.expires_at, version=event.version
        )

    return handlers(on_order)
