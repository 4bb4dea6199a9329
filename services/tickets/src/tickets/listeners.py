"""What tickets hears: orders lock, free and sell them; and what it shows of them and of itself."""

from collections.abc import Callable

from common.events import (
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderUpdated,
    TicketCreated,
    TicketUpdated,
)
from common.messaging.bus import Handlers, handlers
from common.web.etags import etag
from common.web.response_cache import Recent
from common.web.sse import Feed
from tickets.domain import Fence
from tickets.early_locks import Told
from tickets.schemas import TicketSeen, path_of
from tickets.service import Tickets

OrderEvent = OrderCreated | OrderUpdated | OrderCancelled | OrderCompleted


def _told(event: OrderEvent) -> Told:
    return Told(event.id, event.status, Fence(event.ticket.hold, event.version))


def listeners(tickets: Tickets) -> Handlers:
    """Say what is done about each event."""

    async def follow(event: OrderEvent) -> None:
        await tickets.follow_order(event.ticket.id, _told(event))

    async def on_order_created(event: OrderCreated) -> None:
        await follow(event)

    async def on_order_updated(event: OrderUpdated) -> None:
        await follow(event)

    async def on_order_cancelled(event: OrderCancelled) -> None:
        await follow(event)

    async def on_order_completed(event: OrderCompleted) -> None:
        await follow(event)

    return handlers(on_order_created, on_order_updated, on_order_cancelled, on_order_completed)


def passing(tickets: Tickets, show_anew: Callable[[str], None]) -> Handlers:
    """Say what is shown of each order as soon as it passes; the function takes a ticket's id."""

    def hear(event: OrderEvent) -> None:
        tickets.hear_of_order(event.ticket.id, _told(event))
        show_anew(event.ticket.id)

    async def on_order_created(event: OrderCreated) -> None:
        hear(event)

    async def on_order_cancelled(event: OrderCancelled) -> None:
        hear(event)

    return handlers(on_order_created, on_order_cancelled)


def screens(feed: Feed, recent: Recent) -> Handlers:
    """Say what is shown of each event of our own, by whichever replica it came about."""

    def show(event: TicketCreated | TicketUpdated, sequence: int) -> None:
        recent.changed(path_of(event.id), etag(event.version))
        feed.tell("ticket", TicketSeen.told(event), sequence)

    async def on_ticket_created(event: TicketCreated, sequence: int) -> None:
        show(event, sequence)

    async def on_ticket_updated(event: TicketUpdated, sequence: int) -> None:
        show(event, sequence)

    return handlers(on_ticket_created, on_ticket_updated)
