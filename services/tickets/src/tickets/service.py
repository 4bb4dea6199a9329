"""What tickets can do: the one door for HTTP and for events."""

from collections.abc import AsyncGenerator

from common.bus import Message
from common.change import Change
from common.clock import Clock
from common.events import OrderStatus, TicketStatus
from common.http import Page
from tickets.domain import Fence, Sort, Ticket, listed
from tickets.heard import Heard
from tickets.store import TicketStore


class Tickets:
    """Everything that can be done with tickets."""

    def __init__(self, store: TicketStore, heard: Heard, clock: Clock) -> None:
        self._store = store
        self._heard = heard
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
            # What was heard can only lock, and what is locked is refused: no step begins from it.
            seen = self._heard.seen(ticket)
            return seen.edit(by=by, title=title, price=price, expected=expected)

        return await self._store.change(ticket_id, edit)

    async def show(self, ticket_id: str) -> Ticket:
        """Show one ticket."""
        return self._heard.seen(await self._store.get(ticket_id))

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
        """Give one page of what can be ordered now."""
        page = await self._store.available(
            q=q, sort=sort, min_price=min_price, max_price=max_price, limit=limit, cursor=cursor
        )
        seen = map(self._heard.seen, page.items)
        free = [ticket for ticket in seen if ticket.status is TicketStatus.AVAILABLE]
        return Page(free, page.next_cursor)

    async def of_seller(self, user_id: str, *, limit: int, cursor: str | None) -> Page[Ticket]:
        """Give one page of what somebody lists."""
        page = await self._store.of_seller(user_id, limit=limit, cursor=cursor)
        return Page([self._heard.seen(ticket) for ticket in page.items], page.next_cursor)

    def hear_of_lock(self, ticket_id: str, *, order_id: str, hold: int, version: int) -> None:
        """Show from now on that an order holds a ticket; `follow_order` is what makes it so."""
        self._heard.lock(ticket_id, order_id=order_id, fence=Fence(hold, version))

    async def follow_order(
        self, ticket_id: str, *, order_id: str, status: OrderStatus, hold: int, version: int
    ) -> None:
        """Lock, free or sell a ticket as one of its orders says."""
        fence = Fence(hold, version)
        await self._store.follow(ticket_id, lambda ticket: ticket.follow(order_id, status, fence))

    def states(self) -> AsyncGenerator[Message]:
        """Go through every ticket as an event of its present state."""
        return self._store.states(Ticket.updated)
