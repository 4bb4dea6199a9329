"""The events that tickets consumes: orders reserve, free and sell tickets.

And the tickets' own events, which every replica streams to its SSE clients.
"""

from common.events import OrderEvent, TicketEvent
from common.messaging.bus import Handlers, handlers
from common.web.sse import EventBroadcaster
from tickets.cache import TicketCache
from tickets.domain.ticket import Fence, Listing
from tickets.schemas import TicketEventOut
from tickets.service import TicketService


def listeners(tickets: TicketService) -> Handlers:
    """Return the handler of each consumed event."""

    async def on_order(event: OrderEvent) -> None:
        ticket = event.ticket
        fence = Fence(ticket.hold, event.version)
        ordered = Listing(ticket.title, ticket.price)
        await tickets.apply_order_update(
            ticket.id,
            event.id,
            event.status,
            fence,
            ordered,
            pinned=ticket.protection,
            buyer_id=event.user_id,
        )

    return handlers(on_order)


def sse_handlers(broadcaster: EventBroadcaster, cache: TicketCache) -> Handlers:
    """Return the handlers that stream each ticket event to every client."""

    async def on_ticket(event: TicketEvent, sequence: int) -> None:
        cache.invalidate(event.id, known_version=event.version)
        broadcaster.publish("ticket", TicketEventOut.from_attributes(event), sequence)

    return handlers(on_ticket)
