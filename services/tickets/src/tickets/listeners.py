"""What tickets hears: orders lock, free and sell them; and what it shows of them and of itself."""

from common.events import (
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderUpdated,
    TicketCreated,
    TicketUpdated,
)
from common.messaging.bus import Handlers, handlers
from common.web.sse import EventBroadcaster
from tickets.cache import TicketCache
from tickets.domain import Fence
from tickets.schemas import TicketEventOut
from tickets.service import TicketService

OrderEvent = OrderCreated | OrderUpdated | OrderCancelled | OrderCompleted


def listeners(tickets: TicketService) -> Handlers:
    """Say what is done about each event."""

    async def apply(event: OrderEvent) -> None:
        fence = Fence(event.ticket.hold, event.version)
        await tickets.apply_order_update(event.ticket.id, event.id, event.status, fence)

    async def on_order_created(event: OrderCreated) -> None:
        await apply(event)

    async def on_order_updated(event: OrderUpdated) -> None:
        await apply(event)

    async def on_order_cancelled(event: OrderCancelled) -> None:
        await apply(event)

    async def on_order_completed(event: OrderCompleted) -> None:
        await apply(event)

    return handlers(on_order_created, on_order_updated, on_order_cancelled, on_order_completed)


def sse_handlers(broadcaster: EventBroadcaster, cache: TicketCache) -> Handlers:
    """Say what is shown of each event of our own, by whichever replica it came about."""

    def publish(event: TicketCreated | TicketUpdated, sequence: int) -> None:
        cache.invalidate(event.id, known_version=event.version)
        broadcaster.publish("ticket", TicketEventOut.from_event(event), sequence)

    async def on_ticket_created(event: TicketCreated, sequence: int) -> None:
        publish(event, sequence)

    async def on_ticket_updated(event: TicketUpdated, sequence: int) -> None:
        publish(event, sequence)

    return handlers(on_ticket_created, on_ticket_updated)
