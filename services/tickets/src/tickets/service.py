"""What tickets can do: the one door for HTTP and for events."""

from collections.abc import AsyncGenerator

from common.change import Change
from common.events import OrderStatus
from common.messaging.envelope import Message
from common.values.clock import Clock
from common.web.pagination import Page
from tickets.domain import Fence, Sort, Ticket, listed
from tickets.store import TicketStore


class Tickets:
    """Everything that can be done with tickets."""

    def __init__(self, store: TicketStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def list_for_sale(self, *, ticket_id: str, title: str, price: int, by: str) -> Ticket:
        """List a ticket for sale, its price in cents."""
        change = listed(ticket_id=ticket_id, title=title, price=price, by=by, now=self._clock())
        return await self._store.add_once(change)

    async def edit(
        self, ticket_id: str, *, title: str, price: int, by: str, expected: frozenset[int] | None
    ) -> Ticket:
        """Change a ticket's title and price."""

        def edit(ticket: Ticket) -> Change[Ticket]:
            return ticket.edit(by=by, title=title, price=price, expected=expected)

        return await self._store.change(ticket_id, edit)

    async def show(self, ticket_id: str) -> Ticket:
        """Return one ticket.

        Raises:
            NotFound: there is no ticket with this id.
        """
        return await self._store.get(ticket_id)

    async def available(
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
        return await self._store.available(
            q=q,
            sort=sort,
            min_price=min_price,
            max_price=max_price,
            limit=limit,
            cursor=cursor,
        )

    async def of_seller(self, user_id: str, *, limit: int, cursor: str | None) -> Page[Ticket]:
        """Return one page of a seller's tickets, whatever their state."""
        return await self._store.of_seller(user_id, limit=limit, cursor=cursor)

    async def follow_order(
        self, ticket_id: str, order_id: str, status: OrderStatus, fence: Fence
    ) -> None:
        """Lock, free or sell a ticket as an event of one of its orders says."""
        await self._store.follow(ticket_id, lambda ticket: ticket.follow(order_id, status, fence))

    def states(self) -> AsyncGenerator[Message]:
        """Go through every ticket as an event of its present state."""
        return self._store.states(Ticket.updated)
