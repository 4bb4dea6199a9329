"""What orders can do: the one door for HTTP and for events."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Final

from prometheus_client import Counter, Histogram

from common.change import Change
from common.errors import Invalid, NotFound, Unavailable
from common.messaging.envelope import Message
from common.values.clock import Clock
from common.web.pagination import Page
from orders.domain import ForSale, Order, placed
from orders.store import OrderStore, Outrun, TicketReplicas

ATTEMPTS: Final = 5
RESERVATIONS: Final = Counter("orders_reservations_total", "Tickets asked for", ["outcome"])
LATENESS: Final = Histogram(
    "orders_expired_late_seconds",
    "How long orders outlived their time",
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300),
)


class Orders:
    """Everything that can be done with orders."""

    def __init__(
        self, store: OrderStore, tickets: TicketReplicas, clock: Clock, window: timedelta
    ) -> None:
        self._store = store
        self._tickets = tickets
        self._clock = clock
        self._window = window

    async def place(self, *, order_id: str, ticket_id: str, by: str) -> Order:
        """Reserve a ticket for a buyer.

        Raises:
            NotFound: there is no such ticket.
            Invalid: the buyer sells it, or somebody holds it.
        """
        for attempt in range(ATTEMPTS):
            ticket = await self._tickets.find(ticket_id)
            if ticket is None:
                raise NotFound
            # Most tickets are ordered once; where that is wrong, the unique indexes tell.
            first = attempt == 0 and not ticket.ordered_before
            last = None if first else await self._store.last_on(ticket_id)
            if last is not None and last.id == order_id and last.user_id == by:
                return last  # this request was here before
            try:
                change = placed(
                    order_id=order_id,
                    ticket=ticket,
                    last=last,
                    by=by,
                    now=self._clock(),
                    window=self._window,
                )
                order = await self._store.reserve(change)
            except Invalid:
                RESERVATIONS.labels("lost").inc()
                raise
            except Outrun:
                continue
            RESERVATIONS.labels("won").inc()
            return order
        raise Unavailable(retry_after=1)

    async def show(self, order_id: str, *, to: str) -> Order:
        """Show a buyer one of their own orders."""
        order = await self._store.get(order_id)
        order.require_owner(to)
        return order

    async def of_buyer(self, user_id: str, *, limit: int, cursor: str | None) -> Page[Order]:
        """Give one page of a buyer's orders, newest first."""
        return await self._store.of_buyer(user_id, limit=limit, cursor=cursor)

    async def cancel(self, order_id: str, *, by: str) -> None:
        """Give an order up because its buyer wants to."""
        await self._store.change(order_id, lambda order: order.cancel(by=by))

    async def expire(self, order_id: str) -> None:
        """Give an order up because its time ran out."""
        late: list[timedelta] = []

        def expire(order: Order) -> Change[Order]:
            change = order.expire()
            late[:] = [self._clock() - order.expires_at] if change.events else []
            return change

        await self._store.follow(order_id, expire)
        for by in late:
            LATENESS.observe(by.total_seconds())

    async def await_payment(self, order_id: str) -> None:
        """Note that an order's buyer has begun to pay."""
        await self._store.follow(order_id, Order.await_payment)

    async def complete(self, order_id: str) -> None:
        """Note that an order is paid."""
        await self._store.follow(order_id, Order.complete)

    async def fail(self, order_id: str) -> None:
        """Give an order up because no further payment is allowed."""
        await self._store.follow(order_id, Order.fail)

    async def keep_ticket(self, ticket: ForSale) -> None:
        """Take over what tickets tells of a ticket."""
        await self._tickets.keep(ticket)

    def states(self) -> AsyncGenerator[Message]:
        """Go through every order as an event of its present state."""
        return self._store.states(Order.told)
