"""What orders does when an account closes and when it is deleted. Both can be repeated."""

from contextlib import suppress
from typing import Final

from common.errors import BadRequest
from common.events import ListingsWithdrawn, ReservationsClosed, UserDeleted
from common.messaging.bus import Bus
from common.messaging.durable_consumer import DeliveryPostponed
from common.messaging.envelope import EventEnvelope
from common.values.clock import Clock
from common.web.idempotency import forget_user
from orders.store.orders import OrderStore
from orders.store.ticket_replicas import TicketReplicas

RETRY_SECONDS: Final = 0.2


class UserDeletion:
    """Confirms that nobody can order from a closing account, and erases a deleted user."""

    def __init__(self, orders: OrderStore, tickets: TicketReplicas, bus: Bus, clock: Clock) -> None:
        self._orders = orders
        self._tickets = tickets
        self._bus = bus
        self._clock = clock

    async def close_reservations(self, event: ListingsWithdrawn) -> None:
        """Publish that nobody can order from a user, once all withdrawals are applied.

        Raises:
            DeliveryPostponed: the event of a withdrawal has not arrived.
        """
        for listing in event.listings:
            known = await self._tickets.find(listing.ticket_id)
            if known is None or known.version < listing.version:
                raise DeliveryPostponed(RETRY_SECONDS)
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

    async def erase(self, event: UserDeleted) -> None:
        """Erase what is stored of a deleted user, and cancel what was ordered meanwhile."""
        await forget_user(event.id)
        for order_id in await self._orders.list_unpaid(event.id):
            with suppress(BadRequest):  # it is paid by now
                await self._orders.update(order_id, lambda order: order.cancel(buyer_id=event.id))
