"""Orders in MongoDB, and the copy of the tickets they are placed on."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from beanie import Document
from bson import ObjectId
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from common.batching import Grouped
from common.change import Change
from common.errors import Invalid
from common.events import CancelReason, OrderStatus
from common.persistence.mongo import (
    OUTBOX_INDEX,
    STATE,
    AggregateDocument,
    Doc,
    is_duplicate,
    object_id,
)
from common.persistence.outbox import Relay
from common.persistence.replica import Replica
from common.persistence.store import Store
from common.values.clock import Clock
from common.values.ids import is_id
from common.web.pagination import Page, decode_cursor, encode_cursor
from orders.domain import ForSale, Order, Reserved

ONE_LIVE_ORDER: Final = "one_live_order_per_ticket"
GROWING_HOLD: Final = "one_order_per_hold"
LINGER: Final = 0.05
"""Seconds that an event may wait to be written with others; nobody notices."""


class OrderDocument(AggregateDocument):
    """An order as it is kept; `live` is what the unique index looks at."""

    status: OrderStatus
    live: bool
    user_id: str
    created_at: datetime
    expires_at: datetime
    ticket: dict[str, Any]
    reason: CancelReason | None

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
                name=GROWING_HOLD,
                unique=True,
            ),
            IndexModel([("user_id", ASCENDING), ("_id", DESCENDING)]),
        ]


class TicketReplica(Document):
    """A ticket as its events told of it."""

    version: int
    title: str
    price: int
    user_id: str

    class Settings:
        name = "tickets"


class Outrun(Exception):
    """Another order was placed on the ticket, and given up, since it was looked at."""


def _read(doc: Mapping[str, Any]) -> Order:
    ticket = doc["ticket"]
    return Order(
        id=str(doc["_id"]),
        version=doc["version"],
        status=OrderStatus(doc["status"]),
        user_id=doc["user_id"],
        created_at=doc["created_at"],
        expires_at=doc["expires_at"],
        ticket=Reserved(
            id=str(ticket["id"]),
            title=ticket["title"],
            price=ticket["price"],
            hold=ticket["hold"],
        ),
        reason=CancelReason(doc["reason"]) if doc["reason"] else None,
    )


def _write(order: Order) -> Doc:
    ticket = order.ticket
    return {
        "status": order.status,
        "live": order.live,
        "user_id": order.user_id,
        "created_at": order.created_at,
        "expires_at": order.expires_at,
        "ticket": {
            "id": object_id(ticket.id),
            "title": ticket.title,
            "price": ticket.price,
            "hold": ticket.hold,
        },
        "reason": order.reason,
    }


class OrderStore(Store[Order]):
    """Every order there ever was."""

    def __init__(self, relay: Relay, clock: Clock) -> None:
        super().__init__(OrderDocument, relay, clock, read=_read, write=_write, audited=True)
        self._follow = Grouped(self._follow_all, linger=LINGER)
        self._last_on = Grouped(self._last_of_each)

    async def last_on(self, ticket_id: str) -> Order | None:
        """Give the last order that was placed on a ticket."""
        doc = await self._last_on(object_id(ticket_id))
        return None if doc is None else self.read(doc)

    async def _last_of_each(self, ticket_ids: Sequence[ObjectId]) -> Sequence[Doc | None]:
        """Skip through the index on (ticket, hold), one step a ticket (a DISTINCT_SCAN)."""
        greatest_hold_first = {"ticket.id": ASCENDING, "ticket.hold": DESCENDING}
        each = await self.collection.aggregate(
            [
                {"$match": {"ticket.id": {"$in": list(set(ticket_ids))}}},
                {"$sort": greatest_hold_first},
                {"$group": {"_id": "$ticket.id", "last": {"$first": "$$ROOT"}}},
            ]
        )
        found = {group["_id"]: group["last"] async for group in each}
        return [found.get(ticket_id) for ticket_id in ticket_ids]

    async def reserve(self, change: Change[Order]) -> Order:
        """Insert an order; the unique indexes decide who has the ticket.

        One that is already there under this id is the same request's.

        Raises:
            Invalid: another order holds the ticket.
            Outrun: look again.
        """
        order = change.after
        try:
            return await self.add(change)
        except DuplicateKeyError as error:
            mine = await self.find(order.id)
            if mine is not None and mine.user_id == order.user_id:
                return mine
            if is_duplicate(error, ONE_LIVE_ORDER):
                raise Invalid("Ticket is already reserved") from None
            raise Outrun from error

    async def of_buyer(self, user_id: str, *, limit: int, cursor: str | None) -> Page[Order]:
        """Give one page of a buyer's orders, newest first."""
        filters: Doc = {"user_id": user_id}
        if cursor is not None:
            filters["_id"] = {"$lt": object_id(_position(cursor))}
        docs = (
            await self.collection.find(filters, STATE)
            .sort("_id", DESCENDING)
            .limit(limit + 1)
            .to_list()
        )
        orders = [self.read(doc) for doc in docs[:limit]]
        return Page(orders, encode_cursor(orders[-1].id) if len(docs) > limit else None)


def _position(cursor: str) -> str:
    match decode_cursor(cursor):
        case [str(last)] if is_id(last):
            return last
        case _:
            raise Invalid("cursor is not one of ours", field="cursor")


class TicketReplicas:
    """The tickets that orders can be placed on."""

    def __init__(self) -> None:
        self._replica = Replica(TicketReplica, linger=LINGER)

    async def find(self, ticket_id: str) -> ForSale | None:
        """Read one, or nothing."""
        doc = await self._replica.find(ticket_id)
        if doc is None:
            return None
        return ForSale(
            id=ticket_id,
            version=doc["version"],
            title=doc["title"],
            price=doc["price"],
            seller_id=doc["user_id"],
        )

    async def keep(self, ticket: ForSale) -> None:
        """Take a ticket's state over, if it is newer."""
        fields = {"title": ticket.title, "price": ticket.price, "user_id": ticket.seller_id}
        await self._replica.keep(ticket.id, ticket.version, fields)
