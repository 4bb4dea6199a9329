"""Orders in MongoDB."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from bson import ObjectId
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from common.batching import Batcher
from common.change import Change
from common.errors import BadRequest
from common.persistence.mongo import (
    OUTBOX_INDEX,
    STATE_PROJECTION,
    AggregateDocument,
    Doc,
    object_id,
    violates_index,
)
from common.persistence.outbox import Relay
from common.persistence.store import Store
from common.values.clock import Clock
from common.values.ids import is_id
from common.web.pagination import Page, decode_cursor, encode_cursor
from orders.domain.fair_use import EarlierOrders
from orders.domain.order import UNPAID_STATUSES, Order
from orders.metrics import observe_expiration_lag
from orders.store.earlier_orders import CANCELLED_INDEX, batch_find_earlier_orders
from orders.store.order_mapping import MAPPING

ONE_LIVE_ORDER: Final = "one_live_order_per_ticket"
UNIQUE_HOLD: Final = "one_order_per_hold"
ONE_ORDER_PER_SLOT: Final = "one_unpaid_order_per_slot"
OVERDUE: Final = "unpaid_by_expiry"
IS_UNPAID: Final[Doc] = {"status": {"$in": [*UNPAID_STATUSES]}}
HAS_SLOT: Final[Doc] = {"slot": {"$gte": 0}, **IS_UNPAID}
"""Orders in a slot. The status decides, so that an order leaves its slot in the write that pays for
it or cancels it, whichever version of this service writes."""
SWEEP_BATCH_SIZE: Final = 200
BATCH_DELAY_SECONDS: Final = 0.05
"""How long the update that an event causes may wait for others."""


class OrderDocument(AggregateDocument):
    """An order; its `live` field exists for the unique index."""

    class Settings:
        name = "orders"
        indexes = [
            OUTBOX_INDEX,
            IndexModel(
                [("ticket.id", ASCENDING)],
                name=ONE_LIVE_ORDER,
                unique=True,
                partialFilterExpression={"live": True},
            ),
            IndexModel(
                [("ticket.id", ASCENDING), ("ticket.hold", DESCENDING)],
                name=UNIQUE_HOLD,
                unique=True,
            ),
            IndexModel(
                [("user_id", ASCENDING), ("slot", ASCENDING)],
                name=ONE_ORDER_PER_SLOT,
                unique=True,
                partialFilterExpression=HAS_SLOT,
            ),
            CANCELLED_INDEX,
            IndexModel(
                [("expires_at", ASCENDING)], name=OVERDUE, partialFilterExpression=IS_UNPAID
            ),
            IndexModel([("user_id", ASCENDING), ("_id", DESCENDING)]),
        ]


class ReservationConflict(Exception):
    """The insert assumed a latest order on the ticket that is not the latest."""


class SlotTaken(Exception):
    """Another unpaid order of the buyer has this slot."""


class OrderStore(Store[Order]):
    """All orders, whatever their status."""

    def __init__(self, relay: Relay, clock: Clock) -> None:
        super().__init__(
            OrderDocument,
            MAPPING,
            relay,
            clock,
            on_written=partial(observe_expiration_lag, clock),
            update_delay=BATCH_DELAY_SECONDS,
        )
        self._latest_order_batcher = Batcher(self._find_latest_orders)
        self._earlier_orders_batcher = Batcher(batch_find_earlier_orders(self.collection))

    async def latest_order_for(self, ticket_id: str) -> Order | None:
        """Return the newest order on a ticket."""
        doc = await self._latest_order_batcher(object_id(ticket_id))
        return None if doc is None else self.from_document(doc)

    async def _find_latest_orders(self, ticket_ids: Sequence[ObjectId]) -> Sequence[Doc | None]:
        """Read one index entry per ticket (a DISTINCT_SCAN on ticket and hold)."""
        greatest_hold_first = {"ticket.id": ASCENDING, "ticket.hold": DESCENDING}
        groups = await self.collection.aggregate(
            [
                {"$match": {"ticket.id": {"$in": list(set(ticket_ids))}}},
                {"$sort": greatest_hold_first},
                {"$group": {"_id": "$ticket.id", "last": {"$first": "$$ROOT"}}},
            ]
        )
        latest_by_ticket = {group["_id"]: group["last"] async for group in groups}
        return [latest_by_ticket.get(ticket_id) for ticket_id in ticket_ids]

    async def earlier_orders(
        self, ticket_id: str, *, buyer_id: str, since: datetime
    ) -> EarlierOrders | None:
        """Return a buyer's orders on a ticket that were placed since then and cancelled."""
        return await self._earlier_orders_batcher((object_id(ticket_id), buyer_id, since))

    async def taken_slots(self, buyer_id: str) -> dict[int, datetime]:
        """Return the slots of a buyer's unpaid orders, and when each expires."""
        taken = {"user_id": buyer_id, **HAS_SLOT}
        docs = self.collection.find(taken, {"slot": 1, "expires_at": 1})
        return {doc["slot"]: doc["expires_at"] async for doc in docs}

    async def list_unpaid(self, buyer_id: str) -> list[str]:
        """Return the ids of a buyer's unpaid orders."""
        docs = self.collection.find({"user_id": buyer_id, **HAS_SLOT}, {"_id": 1})
        return [str(doc["_id"]) async for doc in docs]

    async def iter_unpaid(self, *, until: datetime) -> AsyncGenerator[list[str]]:
        """Yield batches of the unpaid orders that expire until then, oldest first.

        The caller has to end a batch's orders before it asks for the next one.
        """
        due = {"expires_at": {"$lte": until}, **IS_UNPAID}
        while docs := (
            await self.collection.find(due, {"_id": 1})
            .sort("expires_at", ASCENDING)
            .limit(SWEEP_BATCH_SIZE)
            .to_list()
        ):
            yield [str(doc["_id"]) for doc in docs]

    async def reserve(self, change: Change[Order]) -> Order:
        """Insert an order; the unique indexes decide who gets the ticket, and the buyer's slot.

        An existing order of this buyer with this id is returned: a retry of the same request.

        Raises:
            BadRequest: another order holds the ticket.
            SlotTaken: another order of the buyer has the slot.
            ReservationConflict: the latest order has changed. Read it again.
        """
        order = change.after
        try:
            return await self.add(change)
        except DuplicateKeyError as error:
            existing = await self.find(order.id)
            if existing is not None and existing.user_id == order.user_id:
                return existing
            if violates_index(error, ONE_LIVE_ORDER):
                raise BadRequest("Ticket is already reserved") from None
            if violates_index(error, ONE_ORDER_PER_SLOT):
                raise SlotTaken from error
            raise ReservationConflict from error

    async def list_by_buyer(self, user_id: str, *, limit: int, cursor: str | None) -> Page[Order]:
        """Return a page of a buyer's orders, newest first."""
        filters: Doc = {"user_id": user_id}
        if cursor is not None:
            filters["_id"] = {"$lt": object_id(_decode_position(cursor))}
        docs = (
            await self.collection.find(filters, STATE_PROJECTION)
            .sort("_id", DESCENDING)
            .limit(limit + 1)
            .to_list()
        )
        orders = [self.from_document(doc) for doc in docs[:limit]]
        return Page(orders, encode_cursor(orders[-1].id) if len(docs) > limit else None)


def _decode_position(cursor: str) -> str:
    match decode_cursor(cursor):
        case [str(last)] if is_id(last):
            return last
        case _:
            raise BadRequest("Invalid cursor", field="cursor")
