"""The tickets application service, called by HTTP routes and event listeners."""

from collections.abc import AsyncGenerator

from common.events import OrderStatus
from common.messaging.envelope import EventEnvelope
from common.values.clock import Clock
from common.web.pagination import Page
from tickets.domain import Fence, Listing, Ticket, list_ticket
from tickets.search import TicketQuery
from tickets.store.tickets import TicketStore


class TicketService:
    """Lists, edits and finds tickets, and applies order events to them."""

    def __init__(self, store: TicketStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def list_for_sale(
        self, *, ticket_id: str, title: str, price: int, seller_id: str
    ) -> Ticket:
        """List a ticket for sale. The price is in cents."""
        change = list_ticket(
            ticket_id=ticket_id, title=title, price=price, seller_id=seller_id, now=self._clock()
        )
        return await self._store.insert_idempotent(change)

    async def edit(
        self,
        ticket_id: str,
        *,
        title: str,
        price: int,
        user_id: str,
        expected_versions: frozenset[int] | None,
    ) -> Ticket:
        return await self._store.update(
            ticket_id,
            lambda ticket: ticket.edit(
                user_id=user_id, title=title, price=price, expected_versions=expected_versions
            ),
        )

    async def get(self, ticket_id: str) -> Ticket:
        return await self._store.get(ticket_id)

    async def list_available(
        self, query: TicketQuery, *, limit: int, cursor: str | None
    ) -> Page[Ticket]:
        """Return one page of available tickets. It may be short although another follows."""
        return await self._store.list_available(query, limit=limit, cursor=cursor)

    async def list_by_seller(self, user_id: str, *, limit: int, cursor: str | None) -> Page[Ticket]:
        """Return one page of a seller's tickets in any status, newest first."""
        return await self._store.list_by_seller(user_id, limit=limit, cursor=cursor)

    async def apply_order_update(
        self, ticket_id: str, order_id: str, status: OrderStatus, fence: Fence, ordered: Listing
    ) -> None:
        """Lock, free or sell a ticket after an event of one of its orders."""
        await self._store.update_batched(
            ticket_id, lambda ticket: ticket.apply_order(order_id, status, fence, ordered)
        )

    def snapshot_events(self) -> AsyncGenerator[EventEnvelope]:
        """Generate an event with the current state of every ticket."""
        return self._store.snapshot_events(Ticket.to_event)
