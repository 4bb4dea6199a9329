"""What tickets can do: the one door for HTTP and for events."""

from collections.abc import AsyncGenerator

from common.change import Change
from common.events import OrderStatus
from common.messaging.envelope import EventEnvelope
from common.values.clock import Clock
from common.web.pagination import Page
from tickets.domain import Fence, Sort, Ticket, list_ticket
from tickets.store import TicketStore


class TicketService:
    """Everything that can be done with tickets."""

    def __init__(self, store: TicketStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def list_for_sale(
        self, *, ticket_id: str, title: str, price: int, seller_id: str
    ) -> Ticket:
        """List a ticket for sale, its price in cents."""
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
        """Change a ticket's title and price."""

        def decide(ticket: Ticket) -> Change[Ticket]:
            return ticket.edit(
                user_id=user_id, title=title, price=price, expected_versions=expected_versions
            )

        return await self._store.update(ticket_id, decide)

    async def get(self, ticket_id: str) -> Ticket:
        """Return one ticket.

        Raises:
            NotFound: there is no ticket with this id.
        """
        return await self._store.get(ticket_id)

    async def list_available(
        self,
        *,
        q: str,
        sort: Sort,
        min_price: int | None,
        max_price: int | None,
        limit: int,
        cursor: str | None,
    ) -> Page[Ticket]:
        """Return one page of available tickets."""
        return await self._store.list_available(
            q=q,
            sort=sort,
            min_price=min_price,
            max_price=max_price,
            limit=limit,
            cursor=cursor,
        )

    async def list_by_seller(self, user_id: str, *, limit: int, cursor: str | None) -> Page[Ticket]:
        """Return one page of a seller's tickets, whatever their state."""
        return await self._store.list_by_seller(user_id, limit=limit, cursor=cursor)

    async def apply_order_update(
        self, ticket_id: str, order_id: str, status: OrderStatus, fence: Fence
    ) -> None:
        """Lock, free or sell a ticket as an event of one of its orders says."""
        await self._store.apply_event(
            ticket_id, lambda ticket: ticket.apply_order(order_id, status, fence)
        )

    def snapshot_events(self) -> AsyncGenerator[EventEnvelope]:
        """Go through every ticket as an event of its present state."""
        return self._store.snapshot_events(Ticket.to_event)
