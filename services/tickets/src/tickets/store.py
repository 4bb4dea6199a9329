"""Tickets in MongoDB."""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from common.change import Change
from common.errors import BadRequest
from common.events import TicketStatus
from common.persistence.aggregate_mapping import AggregateMapping
from common.persistence.mongo import (
    OUTBOX_INDEX,
    STATE_PROJECTION,
    AggregateDocument,
    Doc,
    object_id,
)
from common.persistence.outbox import Relay
from common.persistence.store import Store
from common.values.clock import Clock
from common.values.ids import is_id
from common.values.text import search_terms
from common.web.pagination import Page, decode_cursor, encode_cursor
from tickets.domain import Fence, Listing, Sort, Ticket, TicketQuery


def _available_index(name: str, *keys: tuple[str, int]) -> IndexModel:
    """Return an index of available tickets only, so that a sale removes a ticket from it."""
    return IndexModel(
        [("status", ASCENDING), *keys],
        name=name,
        partialFilterExpression={"status": TicketStatus.AVAILABLE},
    )


class TicketDocument(AggregateDocument):
    """A ticket; its `words` field holds the search terms of its title."""

    class Settings:
        name = "tickets"
        indexes = [
            OUTBOX_INDEX,
            _available_index("newest", ("_id", DESCENDING)),
            _available_index("cheapest", ("price", ASCENDING), ("_id", DESCENDING)),
            _available_index("words", ("words", ASCENDING)),
            IndexModel([("user_id", ASCENDING), ("_id", DESCENDING)]),
        ]


_SORT_KEYS: Final[dict[Sort, list[tuple[str, int]]]] = {
    Sort.NEWEST: [("_id", DESCENDING)],
    Sort.OLDEST: [("_id", ASCENDING)],
    Sort.PRICE_ASC: [("price", ASCENDING), ("_id", DESCENDING)],
    Sort.PRICE_DESC: [("price", DESCENDING), ("_id", ASCENDING)],
}


def _from_document(doc: Mapping[str, Any]) -> Ticket:
    late_edit = doc.get("late_edit")
    return Ticket(
        id=str(doc["_id"]),
        version=doc["version"],
        title=doc["title"],
        price=doc["price"],
        user_id=doc["user_id"],
        created_at=doc["created_at"],
        status=TicketStatus(doc["status"]),
        order_id=doc["order_id"],
        fence=Fence(doc["hold"], doc["order_version"]),
        late_edit=Listing(late_edit["title"], late_edit["price"]) if late_edit else None,
    )


def _to_document(ticket: Ticket) -> Doc:
    return {
        "title": ticket.title,
        "price": ticket.price,
        "user_id": ticket.user_id,
        "created_at": ticket.created_at,
        "status": ticket.status,
        "order_id": ticket.order_id,
        "hold": ticket.fence.hold,
        "order_version": ticket.fence.version,
        "late_edit": asdict(ticket.late_edit) if ticket.late_edit else None,
        "words": search_terms(ticket.title),
    }


class TicketStore(Store[Ticket]):
    """All tickets, whatever their status."""

    def __init__(
        self,
        relay: Relay,
        clock: Clock,
        on_written: Callable[[Ticket], None] = lambda _ticket: None,
    ) -> None:
        mapping = AggregateMapping(from_document=_from_document, to_document=_to_document)
        super().__init__(TicketDocument, mapping, relay, clock, on_written=on_written)

    async def insert_idempotent(self, change: Change[Ticket]) -> Ticket:
        """Insert a ticket, or return the one that an earlier try of the same request inserted."""
        try:
            return await self.add(change)
        except DuplicateKeyError:
            return await self.get(change.after.id)

    async def list_available(
        self, query: TicketQuery, *, limit: int, cursor: str | None = None
    ) -> Page[Ticket]:
        """Return a page of available tickets with a title word that begins with each query word."""
        terms = search_terms(query.words)
        filters: list[Doc] = [{"status": TicketStatus.AVAILABLE}]
        filters += [{"words": {"$regex": f"^{re.escape(term)}"}} for term in terms]
        if query.min_price is not None:
            filters.append({"price": {"$gte": query.min_price}})
        if query.max_price is not None:
            filters.append({"price": {"$lte": query.max_price}})
        return await self._page(filters, query.sort, limit, cursor)

    async def list_by_seller(self, user_id: str, *, limit: int, cursor: str | None) -> Page[Ticket]:
        """Return a page of a seller's tickets in any state, newest first."""
        return await self._page([{"user_id": user_id}], Sort.NEWEST, limit, cursor)

    async def _page(
        self, filters: list[Doc], sort: Sort, limit: int, cursor: str | None
    ) -> Page[Ticket]:
        if cursor is not None:
            filters.append(_cursor_filter(cursor, sort))
        docs = (
            await self.collection.find({"$and": filters}, STATE_PROJECTION)
            .sort(_SORT_KEYS[sort])
            .limit(limit + 1)
            .to_list()
        )
        tickets = [self.from_document(doc) for doc in docs[:limit]]
        return Page(tickets, _next_cursor(tickets[-1], sort) if len(docs) > limit else None)


def _next_cursor(last: Ticket, sort: Sort) -> str:
    if sort in {Sort.PRICE_ASC, Sort.PRICE_DESC}:
        return encode_cursor(sort, last.price, last.id)
    return encode_cursor(sort, last.id)


def _cursor_filter(cursor: str, sort: Sort) -> Doc:
    """Return the filter for what follows a cursor in this order.

    Raises:
        BadRequest: the cursor is invalid, or belongs to another order.
    """
    match decode_cursor(cursor):
        case [str(cursor_sort), str(last)] if cursor_sort == sort and is_id(last):
            return {"_id": {_comparison(sort, "_id"): object_id(last)}}
        case [str(cursor_sort), int(price), str(last)] if cursor_sort == sort and is_id(last):
            return {
                "$or": [
                    {"price": {_comparison(sort, "price"): price}},
                    {"price": price, "_id": {_comparison(sort, "_id"): object_id(last)}},
                ]
            }
        case _:
            raise BadRequest("Invalid cursor", field="cursor")


def _comparison(sort: Sort, field: str) -> str:
    return "$gt" if dict(_SORT_KEYS[sort])[field] == ASCENDING else "$lt"
