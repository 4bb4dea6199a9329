"""The cancelled orders of a buyer on a ticket, which can make the buyer wait."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final

from bson import ObjectId
from pymongo import ASCENDING, IndexModel

from common.persistence.mongo import Collection, Doc
from orders.domain.fair_use import EarlierOrders

CANCELLED_BY_BUYER: Final = "cancelled_by_ticket_and_buyer"
CANCELLED_INDEX: Final = IndexModel(
    [("ticket.id", ASCENDING), ("user_id", ASCENDING), ("created_at", ASCENDING)],
    name=CANCELLED_BY_BUYER,
    partialFilterExpression={"live": False},
)
"""Contains cancelled orders only, so that placing an order does not write to it."""

Query = tuple[ObjectId, str, datetime]
"""A ticket, a buyer, and the time since which the orders were placed."""


def batch_find_earlier_orders(
    collection: Collection,
) -> Callable[[Sequence[Query]], Awaitable[Sequence[EarlierOrders | None]]]:
    """Return a function that reads the cancelled orders of several buyers in one query."""

    async def find(queries: Sequence[Query]) -> Sequence[EarlierOrders | None]:
        groups = await collection.aggregate(pipeline(queries), hint=CANCELLED_BY_BUYER)
        found = {
            (group["_id"]["ticket"], group["_id"]["buyer"]): EarlierOrders(
                group["count"], group["last_cancelled_at"]
            )
            async for group in groups
        }
        return [found.get((ticket_id, buyer_id)) for ticket_id, buyer_id, _ in queries]

    return find


def pipeline(queries: Sequence[Query]) -> list[Doc]:
    """Return the aggregation: one range of index entries per ticket and buyer.

    An order is cancelled by the last entry of its audit log.
    """
    buyers_by_ticket: dict[ObjectId, list[str]] = {}
    for ticket_id, buyer_id, _ in queries:
        buyers_by_ticket.setdefault(ticket_id, []).append(buyer_id)
    placed_since = min(since for _, _, since in queries)
    cancelled: Doc = {"live": False, "created_at": {"$gte": placed_since}}
    orders: list[Doc] = [
        {"ticket.id": ticket_id, "user_id": {"$in": buyer_ids}, **cancelled}
        for ticket_id, buyer_ids in buyers_by_ticket.items()
    ]
    group: Doc = {
        "_id": {"ticket": "$ticket.id", "buyer": "$user_id"},
        "count": {"$sum": 1},
        "last_cancelled_at": {"$max": {"$ifNull": [{"$last": "$history.at"}, "$expires_at"]}},
    }
    return [{"$match": {"$or": orders}}, {"$group": group}]
