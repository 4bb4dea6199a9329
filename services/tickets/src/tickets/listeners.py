"""The events that tickets consumes: of orders, of sellers, and of accounts that close.

And the tickets' own events, which every replica streams to its SSE clients.
"""

from common.events import OrderEvent, SellerEvent, TicketEvent, UserDeleted, UserUpdated
from common.messaging.bus import Handlers, handlers
from common.messaging.stream_subscription import StoredEvent
from common.web.sse import EventBroadcaster
from tickets.cache import TicketCache
from tickets.domain.ticket import Fence, Listing
from tickets.refunds import Refunds
from tickets.schemas import TicketEventOut
from tickets.service import TicketService
from tickets.user_deletion import UserDeletion


def listeners(tickets: TicketService, refunds: Refunds, deletion: UserDeletion) -> Handlers:
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
            is_refund_agreed=event.refund_agreed_at is not None,
        )
        if event.refund_agreed_at is not None:
            await refunds.take_back(ticket.id)

    async def on_user_updated(event: UserUpdated) -> None:
        if event.closing:
            await deletion.withdraw_listings(event)

    async def on_user_deleted(event: UserDeleted) -> None:
        await deletion.erase(event)

    async def on_seller(event: SellerEvent) -> None:
        await tickets.apply_seller(event)

    return handlers(on_order, on_seller, on_user_updated, on_user_deleted)


def sse_handlers(broadcaster: EventBroadcaster, cache: TicketCache) -> Handlers:
    """Return the handlers that stream each ticket event to every client."""

    async def on_ticket(event: StoredEvent[TicketEvent]) -> None:
        facts = event.parse()
        cache.invalidate(facts["id"], known_version=facts["version"])
        broadcaster.publish(
            "ticket", lambda: TicketEventOut.from_attributes(event.decode()), event.sequence
        )

    return handlers(on_ticket)
