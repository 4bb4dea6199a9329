"""The events that payments consumes: the orders to be paid."""

from common.events import OrderEvent
from common.messaging.bus import Handlers, handlers
from payments.domain.order import Order
from payments.sync import ChargeSync


def listeners(sync: ChargeSync) -> Handlers:
    """Return the handler of each consumed event."""

    async def on_order(event: OrderEvent) -> None:
        order = Order(
            id=event.id,
            user_id=event.user_id,
            price=event.ticket.price,
            status=event.status,
            expires_at=event.expires_at,
        )
        await sync.apply_order(order, event.version)

    return handlers(on_order)
