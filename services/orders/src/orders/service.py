"""The orders application service, called by HTTP routes and event listeners."""

from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from typing import Final

from common.errors import (
    BadRequest,
    Conflict,
    NotFound,
    ServiceUnavailable,
    TooManyRequests,
)
from common.events import DisputeFacts, OrderStatus, TicketReturn
from common.messaging.envelope import EventEnvelope
from common.values.clock import Clock
from common.web.pagination import Page
from orders.domain import refund
from orders.domain.fair_use import REPEAT_PERIOD, first_slot, free_slot
from orders.domain.order import OVERDUE_GRACE, Order, place_order
from orders.domain.ticket import ListedTicket, ReservedTicket, SeenTicket
from orders.metrics import EARLY_EXPIRATIONS, RESERVATIONS
from orders.store.orders import OrderStore, ReservationConflict, SlotTaken
from orders.store.ticket_replicas import TicketReplicas

MAX_ATTEMPTS: Final = 5


class OrderService:
    """Places, cancels, completes and lists orders, and keeps copies of the tickets."""

    def __init__(
        self,
        store: OrderStore,
        tickets: TicketReplicas,
        clock: Clock,
        *,
        window: timedelta,
        limit: int,
    ) -> None:
        """Create the service.

        Args:
            store: the orders.
            tickets: the copies of the tickets.
            clock: the current time.
            window: how long a buyer has to pay.
            limit: how many unpaid orders a buyer may have.
        """
        self._store = store
        self._tickets = tickets
        self._clock = clock
        self._window = window
        self._limit = limit

    async def place(
        self, *, order_id: str, ticket_id: str, buyer_id: str, seen: SeenTicket
    ) -> Order:
        """Reserve a ticket for a buyer, if it is as the buyer saw it.

        Raises:
            NotFound: The ticket does not exist.
            BadRequest: The buyer is the seller, another order holds the ticket, or nobody may
                order it any more.
            Conflict: The buyer saw another price, show or seat.
            TooManyRequests: The buyer has too many unpaid orders, or has to wait for this ticket.
            ServiceUnavailable: Rivals, or requests of the same buyer, were faster in every attempt.
        """
        try:
            order = await self._place(order_id, ticket_id, buyer_id, seen)
        except (BadRequest, Conflict, TooManyRequests):
            RESERVATIONS.labels("rejected").inc()
            raise
        RESERVATIONS.labels("accepted").inc()
        return order

    async def _place(self, order_id: str, ticket_id: str, buyer_id: str, seen: SeenTicket) -> Order:
        slot = first_slot(order_id, self._limit)
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
            now = self._clock()
            change = place_order(
                order_id=order_id,
                ticket=ticket,
                latest_order=latest_order,
                buyer_id=buyer_id,
                seen=seen,
                slot=slot,
                now=now,
                window=self._window,
            )
            if latest_order is not None:
                await self._require_wait(latest_order.ticket, buyer_id, now)
            try:
                return await self._store.reserve(change)
            except ReservationConflict:
                continue
            except SlotTaken:
                taken = await self._store.taken_slots(buyer_id)
                slot = free_slot(order_id, limit=self._limit, taken=taken, now=now)
        raise ServiceUnavailable(retry_after=1)

    async def _require_wait(self, latest: ReservedTicket, buyer_id: str, now: datetime) -> None:
        """Raise `TooManyRequests` if the buyer ordered this ticket too often without paying.

        All earlier orders have ended, because the latest one has. If another is placed after this
        read, the unique index on holds rejects the one that is decided here.
        """
        if latest.hold == 1:
            return  # at most the first repeat
        earlier_orders = await self._store.earlier_orders(
            latest.id, buyer_id=buyer_id, since=now - REPEAT_PERIOD
        )
        if earlier_orders is not None:
            earlier_orders.require_wait(now)

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

    async def expire(self, order_id: str) -> timedelta:
        """Expire an order that is due, and return the time left of one that is not."""
        order = await self._store.update_batched(
            order_id, lambda order: order.expire_if_due(self._clock())
        )
        time_left = order.time_left(self._clock())
        if time_left > timedelta():
            EARLY_EXPIRATIONS.observe(time_left.total_seconds())
        return max(time_left, timedelta())

    async def expire_overdue(self) -> int:
        """Expire the orders whose expiration event is overdue, and return their number."""
        count = 0
        now = self._clock()
        async for order_ids in self._store.iter_unpaid(until=now - OVERDUE_GRACE):
            await self._store.update_many(order_ids, lambda order: order.expire_if_due(now))
            count += len(order_ids)
        return count

    async def mark_awaiting_payment(self, order_id: str) -> None:
        await self._store.update_batched(order_id, Order.mark_awaiting_payment)

    async def complete(self, order_id: str) -> None:
        await self._store.update_batched(order_id, Order.complete)

    async def fail_payment(self, order_id: str) -> None:
        await self._store.update_batched(order_id, Order.fail_payment)

    async def apply_ticket(self, ticket: ListedTicket) -> None:
        """Store the state of a ticket if it is newer than the local copy.

        If its show is cancelled, its order ends. An order that is placed at the same time, from the
        copy before, reserves the ticket, and the event of that ends it.
        """
        await self._tickets.upsert(ticket)
        if not ticket.show_cancelled:
            return
        latest_order = await self._store.latest_order_for(ticket.id)
        if latest_order is not None and latest_order.is_live:
            await self._store.update_batched(latest_order.id, Order.end_for_cancelled_show)

    async def confirm_receipt(self, order_id: str, *, buyer_id: str) -> Order:
        """Record a buyer's word that the ticket arrived, which brings its payout forward."""
        now = self._clock()
        return await self._store.update(
            order_id, lambda order: order.confirm_receipt(buyer_id=buyer_id, now=now)
        )

    async def apply_reveal(self, ticket_id: str, at: datetime) -> None:
        """Record that the buyer of a ticket was shown its original."""
        order = await self._store.latest_order_for(ticket_id)
        if order is not None:
            await self._store.update_batched(order.id, lambda order: order.record_reveal(at))

    async def offer_refund(self, order_id: str, *, seller_id: str) -> Order:
        """Record that the seller of an order offers the money back."""
        now = self._clock()
        return await self._store.update(
            order_id, lambda order: refund.offer_refund(order, seller_id=seller_id, now=now)
        )

    async def accept_refund(self, order_id: str, *, buyer_id: str) -> Order:
        """Record that the buyer accepts the seller's offer."""
        now = self._clock()
        return await self._store.update(
            order_id, lambda order: refund.accept_refund(order, buyer_id=buyer_id, now=now)
        )

    async def refund_as_operator(self, order_id: str) -> Order:
        """Return the money of an order without the consent of its seller."""
        now = self._clock()
        return await self._store.update(order_id, lambda order: refund.agree_to_refund(order, now))

    async def apply_return(self, ticket_id: str, returned: TicketReturn) -> None:
        """Return the money of an order, after tickets took the original back if need be."""
        order = await self._store.latest_order_for(ticket_id)
        if order is not None:
            await self._store.update_batched(
                order.id, lambda order: refund.apply_return(order, returned)
            )

    async def record_refund(self, order_id: str, *, charged_back: bool) -> None:
        await self._store.update_batched(
            order_id, lambda order: refund.record_refund(order, charged_back=charged_back)
        )

    async def apply_dispute(
        self, order_id: str, dispute: DisputeFacts, payment_version: int
    ) -> None:
        """Record what the buyer's bank does about the payment of an order."""
        await self._store.update_batched(
            order_id, lambda order: refund.apply_dispute(order, dispute, payment_version)
        )

    def snapshot_events(self) -> AsyncGenerator[EventEnvelope]:
        """Generate an event with the current state of every order.

        Paid orders of earlier versions of this service get their seller first, which is a change
        of their own, because a copy of the same version is not replaced.
        """
        return self._store.snapshot_events(Order.to_event, self._complete)

    async def _complete(self, order: Order) -> Order:
        """Return an order, with its seller if an earlier version stored none."""
        if order.status is not OrderStatus.COMPLETE or order.ticket.seller_id is not None:
            return order
        ticket = await self._tickets.find(order.ticket.id)
        if ticket is None:
            return order
        return await self._store.update(order.id, lambda o: o.record_seller(ticket.seller_id))
