"""Copies of the orders, updated by their events."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Final
from weakref import WeakValueDictionary

from beanie import Document

from common.events import OrderStatus, Outcome
from common.persistence.replica import Replica
from common.shows import OrderedShow, Seat
from payments.domain.order import Order

POLL_SECONDS: Final = (0.05, 0.1, 0.2, 0.3, 0.35)
"""The steps in which a request waits for the event of an order that was just created."""
MAX_WAITERS: Final = 128
BATCH_DELAY_SECONDS: Final = 0.03
"""How long a copy of an order waits to be written with others."""


class OrderReplica(Document):
    """A copy of an order, as far as a payment needs it; `price` is in cents."""

    class Settings:
        name = "orders"


class OrderReplicas:
    """Copies of the orders, updated by their events."""

    def __init__(self) -> None:
        self._replica = Replica(
            OrderReplica, max_delay=BATCH_DELAY_SECONDS, added_field="created_at"
        )
        self._waiters: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()

    async def find(self, order_id: str) -> Order | None:
        """Return an order, or None."""
        doc = await self._replica.find(order_id)
        if doc is None:
            return None
        return Order(
            id=order_id,
            user_id=doc["user_id"],
            price=doc["price"],
            status=OrderStatus(doc["status"]),
            expires_at=doc["expires_at"],
            seller_id=doc.get("seller_id"),
            release_at=doc.get("release_at"),
            title=doc.get("title"),
            outcome=Outcome(doc["outcome"]) if doc.get("outcome") else None,
            show=OrderedShow.model_validate(doc["show"]) if doc.get("show") else None,
            seat=Seat.model_validate(doc["seat"]) if doc.get("seat") else None,
            created_at=doc.get("created_at"),
            revealed_at=doc.get("revealed_at"),
            received_at=doc.get("received_at"),
            refund_offered_at=doc.get("refund_offered_at"),
        )

    async def wait_for(self, order_id: str) -> Order | None:
        """Return an order, after waiting for its event if it was created a moment ago."""
        if len(self._waiters) >= MAX_WAITERS:
            return await self.find(order_id)
        arrived = self._waiters.setdefault(order_id, asyncio.Event())
        found = await self.find(order_id)
        if found is not None:
            return found
        for seconds in POLL_SECONDS:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(arrived.wait(), seconds)
            found = await self.find(order_id)  # another replica may have received the event
            if found is not None:
                return found
        return None

    async def find_many(self, order_ids: Sequence[str]) -> dict[str, Order]:
        """Return the known ones of several orders, by their ids."""
        orders = await asyncio.gather(*map(self.find, order_ids))
        return {order.id: order for order in orders if order is not None}

    async def upsert(self, order: Order, version: int) -> None:
        """Store the state of an order if it is newer than the stored one."""
        fields = {
            "status": order.status,
            "user_id": order.user_id,
            "price": order.price,
            "expires_at": order.expires_at,
            "seller_id": order.seller_id,
            "release_at": order.release_at,
            "outcome": order.outcome,
            "title": order.title,
            "show": order.show and order.show.model_dump(by_alias=False),
            "seat": order.seat and order.seat.model_dump(by_alias=False),
            "created_at": order.created_at,
            "revealed_at": order.revealed_at,
            "received_at": order.received_at,
            "refund_offered_at": order.refund_offered_at,
        }
        await self._replica.upsert(order.id, version, fields)
        arrived = self._waiters.get(order.id)
        if arrived is not None:
            arrived.set()
