"""What tickets can do: the one door for HTTP and for events."""

from collections.abc import AsyncGenerator
from typing import Final

from common.change import Change
from common.messaging.envelope import Message
from common.values.clock import Clock
from common.web.pagination import Page
from tickets.domain import Sort, Ticket, listed
from tickets.early_locks import Heard, Seen, Told
from tickets.store import TicketStore

PAGES_READ: Final = 5
"""How many pages are read for one, where all that is on it was locked a moment ago."""


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
            return seen.ticket.edit(by=by, title=title, price=price, expected=expected)

        return await self._store.change(ticket_id, edit)

    async def show(self, ticket_id: str) -> Seen:
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
        """Give one page of what can be ordered now; shorter by what was locked a moment ago."""
        page = Page[Ticket]([], cursor)
        for _ in range(PAGES_READ):
            page = await self._store.available(
                q=q,
                sort=sort,
                min_price=min_price,
                max_price=max_price,
                limit=limit,
                cursor=page.next_cursor,
            )
            free = [ticket for ticket in page.items if self._heard.seen(ticket).lock is None]
            page = Page(free, page.next_cursor)
            if free or page.next_cursor is None:
                break
        return page

    async def of_seller(self, user_id: str, *, limit: int, cursor: str | None) -> Page[Ticket]:
        """Give one page of what somebody lists."""
        page = await self._store.of_seller(user_id, limit=limit, cursor=cursor)
        return Page([self._heard.seen(ticket).ticket for ticket in page.items], page.next_cursor)

    def hear_of_order(self, ticket_id: str, told: Told) -> None:
        """Show from now on what an order makes of a ticket; `follow_order` is what makes it so."""
        self._heard.order(ticket_id, told)

    async def follow_order(self, ticket_id: str, told: Told) -> None:
        """Lock, free or sell a ticket as one of its orders says."""
        await self._store.follow(
            ticket_id, lambda ticket: ticket.follow(told.order_id, told.status, told.fence)
        )

    def states(self) -> AsyncGenerator[Message]:
        """Go through every ticket as an event of its present state."""
        return self._store.states(Ticket.updated)
