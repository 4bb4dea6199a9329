"""The orders application service, called by HTTP routes and event listeners."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Final

from common.errors import BadRequest, NotFound, ServiceUnavailable
from common.messaging.envelope import EventEnvelope
from common.values.clock import Clock
from common.web.pagination import Page
from orders.domain import ListedTicket, Order, place_order
from orders.metrics import RESERVATIONS
from orders.store.orders import OrderStore, ReservationConflict
from orders.store.ticket_replicas import TicketReplicas

MAX_ATTEMPTS: Final = 5


class OrderService:
    """Places, cancels, completes and lists orders."""

    def __init__(
        self, store: OrderStore, tickets: TicketReplicas, clock: Clock, window: timedelta
    ) -> None:
        self._store = store
        self._tickets = tickets
        self._clock = clock
        self._window = window

    async def place(self, *, order_id: str, ticket_id: str, buyer_id: str) -> Order:
        """Reserve a ticket for a buyer.

        Raises:
            NotFound: The ticket does not exist.
            BadRequest: The buyer is the seller, or another order holds the ticket.
            ServiceUnavailable: Other buyers ordered and cancelled it in every attempt.
        """
        for attempt in range(MAX_ATTEMPTS):
            ticket = await self._tickets.find(ticket_id)
            if ticket is None:
                raise NotFound
            # Most tickets are ordered once, so the first attempt skips this query. If an order
            # exists after all, a unique index rejects the insert.
            is_first_order = attempt == 0 and not ticket.may_have_orders
            latest_order = None if is_first_order else await self._store.latest_order_for(ticket_id)
            if (
                latest_order is not None
                and latest_order.id == order_id
                and latest_order.user_id == buyer_id
            ):
                return latest_order  # a retry of the same request
            try:
                change = place_order(
                    order_id=order_id,
                    ticket=ticket,
                    latest_order=latest_order,
                    buyer_id=buyer_id,
                    now=self._clock(),
                    window=self._window,
                )
                order = await self._store.reserve(change)
            except BadRequest:
                RESERVATIONS.labels("rejected").inc()
                raise
            except ReservationConflict:
                continue
            RESERVATIONS.labels("accepted").inc()
            return order
        raise ServiceUnavailable(retry_after=1)

    async def get_for(self, order_id: str, *, buyer_id: str) -> Order:
        """Return an order of this buyer."""
        order = await self._store.get(order_id)
        order.require_owner(buyer_id)
        return order

    async def list_by_buyer(self, user_id: str, *, limit: int, cursor: str | None) -> Page[Order]:
        """Return one page of a buyer's orders, newest first."""
        return await self._store.list_by_buyer(user_id, limit=limit, cursor=cursor)

    async def cancel(self, order_id: str, *, buyer_id: str) -> None:
        await self._store.update(order_id, lambda order: order.cancel(buyer_id=buyer_id))

    async def expire(self, order_id: str) -> None:
        await self._store.update_batched(order_id, Order.expire)

    async def mark_awaiting_payment(self, order_id: str) -> None:
        await self._store.update_batched(order_id, Order.mark_awaiting_payment)

    async def complete(self, order_id: str) -> None:
        await self._store.update_batched(order_id, Order.complete)

    async def fail_payment(self, order_id: str) -> None:
        await self._store.update_batched(order_id, Order.fail_payment)

    async def upsert_ticket(self, ticket: ListedTicket) -> None:
        """Store the state of a ticket if it is newer than the local copy."""
        await self._tickets.upsert(ticket)

    def snapshot_events(self) -> AsyncGenerator[EventEnvelope]:
        """Generate an event with the current state of every order."""
        return self._store.snapshot_events(Order.to_event)
