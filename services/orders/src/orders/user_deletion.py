"""What orders does when an account closes and when it is deleted. Both can be repeated."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from common.errors import BadRequest
from common.events import ListingsWithdrawn, ReservationsClosed, UserDeleted, WithdrawnListing
from common.messaging.bus import Bus
from common.messaging.durable_consumer import DeliveryPostponed
from common.messaging.envelope import EventEnvelope
from common.values.clock import Clock
from common.web.idempotency import forget_user
from orders.store.known_portions import KnownPortions
from orders.store.orders import OrderStore
from orders.store.ticket_replicas import TicketReplicas

RETRY_SECONDS: Final = 0.2
BATCH_SIZE: Final = 100


class UserDeletion:
    """Confirms that nobody can order from a closing account, and erases a deleted user."""

    def __init__(
        self,
        orders: OrderStore,
        tickets: TicketReplicas,
        portions: KnownPortions,
        bus: Bus,
        clock: Clock,
    ) -> None:
        self._orders = orders
        self._tickets = tickets
        self._portions = portions
        self._bus = bus
        self._clock = clock

    async def close_reservations(self, event: ListingsWithdrawn) -> None:
        """Publish that nobody can order from a user, once all withdrawals are applied.

        Raises:
            DeliveryPostponed: the event of a withdrawal has not arrived.
        """
        for start in range(0, len(event.listings), BATCH_SIZE):
            await self._require_known(event.listings[start : start + BATCH_SIZE])
        if event.portion is not None and not await self._portions.complete(event.portion):
            return
        closed = ReservationsClosed(user_id=event.user_id, closing_at=event.closing_at)
        closing_ms = round(event.closing_at.timestamp() * 1000)
        await self._bus.publish(
            EventEnvelope.from_event(
                closed,
                event_id=f"{closed.subject}:{event.user_id}:{closing_ms}",
                aggregate_id=event.user_id,
                occurred_at=self._clock(),
            )
        )

    async def _require_known(self, listings: Sequence[WithdrawnListing]) -> None:
        tickets = await asyncio.gather(*(self._tickets.find(one.ticket_id) for one in listings))
        for listing, known in zip(listings, tickets, strict=True):
            if known is None or known.version < listing.version:
                raise DeliveryPostponed(RETRY_SECONDS)

    async def erase(self, event: UserDeleted) -> None:
        """Erase what is stored of a deleted user, and cancel what was ordered meanwhile."""
        await forget_user(event.id)
        for order_id in await self._orders.list_unpaid(event.id):
            with suppress(BadRequest):  # it is paid by now
                await self._orders.update(order_id, lambda order: order.cancel(buyer_id=event.id))
