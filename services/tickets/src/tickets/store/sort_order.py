"""The sort orders of the ticket list: their keys, positions and cursors."""

from dataclasses import dataclass
from typing import Final

from bson import ObjectId
from pymongo import ASCENDING, DESCENDING

from common.errors import BadRequest
from common.persistence.mongo import Doc, object_id
from common.values.ids import is_id
from common.web.pagination import decode_cursor, encode_cursor
from tickets.search import Sort, TicketQuery

SORT_KEYS: Final[dict[Sort, list[tuple[str, int]]]] = {
    Sort.NEWEST: [("_id", DESCENDING)],
    Sort.OLDEST: [("_id", ASCENDING)],
    Sort.PRICE_ASC: [("price", ASCENDING), ("_id", DESCENDING)],
    Sort.PRICE_DESC: [("price", DESCENDING), ("_id", ASCENDING)],
}


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a list: that of a ticket with this id and price."""

    id: ObjectId
    price: int = 0
    """Only used in the orders by price."""

    @classmethod
    def of(cls, doc: Doc) -> "Position":
        """Return the position of a ticket."""
        return cls(doc["_id"], doc["price"])

    @classmethod
    def from_cursor(cls, cursor: str, query: TicketQuery) -> "Position":
        """Return the position in a cursor.

        Raises:
            BadRequest: the cursor is invalid, or belongs to another order or other filters.
        """
        by_price = query.sort.by_price
        listed = _identity(query)
        values = decode_cursor(cursor)
        match values[len(listed) :] if values[: len(listed)] == listed else ():
            case [str(last)] if is_id(last) and not by_price:
                return cls(object_id(last))
            case [int(price), str(last)] if is_id(last) and by_price:
                return cls(object_id(last), price)
            case _:
                raise BadRequest("Invalid cursor", field="cursor")

    def cursor(self, query: TicketQuery) -> str:
        """Return the cursor of what follows this position."""
        price = (self.price,) if query.sort.by_price else ()
        return encode_cursor(*_identity(query), *price, str(self.id))


def ranges_after(position: Position | None, query: TicketQuery) -> list[Doc]:
    """Return the filters of what follows a position, each one range of an index, in order.

    The filters contain the price range of the query only in the orders by price.
    """
    sort = query.sort
    if position is None:
        return [{"price": price_range(query)} if sort.by_price and query.has_price_range else {}]
    same: Doc = {"_id": {_comparison(sort, "_id"): position.id}}
    if not sort.by_price:
        return [same]
    next_prices = {**price_range(query), _comparison(sort, "price"): position.price}
    return [{"price": position.price, **same}, {"price": next_prices}]


def price_range(query: TicketQuery) -> Doc:
    """Return the filter of a price in the range of the query."""
    bounds = {"$gte": query.min_price, "$lte": query.max_price}
    return {name: bound for name, bound in bounds.items() if bound is not None}


def sort_by_id(docs: list[Doc], sort: Sort) -> list[Doc]:
    """Return documents in an order in which the price has no part."""
    return sorted(docs, key=lambda doc: doc["_id"], reverse=sort is Sort.NEWEST)


def follows(doc: Doc, position: Position | None, sort: Sort) -> bool:
    """Return whether a ticket is after a position, in an order in which the price has no part."""
    if position is None:
        return True
    return doc["_id"] < position.id if sort is Sort.NEWEST else doc["_id"] > position.id


def _identity(query: TicketQuery) -> tuple[str, ...]:
    """Return the values at the beginning of a cursor: it continues only its own list."""
    return (query.sort, query.fingerprint) if query.fingerprint else (query.sort,)


def _comparison(sort: Sort, field: str) -> str:
    return "$gt" if dict(SORT_KEYS[sort])[field] == ASCENDING else "$lt"
