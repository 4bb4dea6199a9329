"""A shop with a past: orders, charges and accounts as the services stored them, many times over.

A few sales go through the running system, and MongoDB copies their documents.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from pymongo import MongoClient

from benchmarks.stored_copies import Copies, all_copies
from common.persistence.mongo import Doc
from orders.store.orders import OrderDocument

CHUNK: Final = 50_000
CANCELLED_ONE_IN: Final = 5


def fill(mongo: MongoClient[Doc], size: int) -> int:
    """Copy what is stored until each collection has `size` more documents; return their number."""
    count = 0
    for copies in all_copies(size, datetime.now(UTC)):
        count += _copy(mongo, copies, size // copies.one_in)
    return count


def _copy(mongo: MongoClient[Doc], copies: Copies, size: int) -> int:
    database = mongo[copies.database]
    collection = database[copies.collection]
    originals = _originals(copies, list(collection.find(copies.filter).limit(500)))
    if not originals:
        raise LookupError(f"{copies.database}.{copies.collection} has nothing to copy")
    collection.drop_indexes()
    database["originals"].drop()
    database["originals"].insert_many({**doc, "_id": n} for n, doc in enumerate(originals))
    for first in range(0, size, CHUNK):
        count = min(CHUNK, size - first)
        numbers: Doc = {"$range": [{"$add": [first, "$_id"]}, first + count, len(originals)]}
        database["originals"].aggregate(
            [
                {"$set": {"n": numbers}},
                {"$unwind": "$n"},
                {"$set": copies.fields},
                {"$unset": "n"},
                {"$merge": {"into": copies.collection, "whenMatched": "fail"}},
            ]
        )
    database["originals"].drop()
    if copies.document is not None:
        collection.create_indexes(copies.document.Settings.indexes)
    return size


def _originals(copies: Copies, docs: Sequence[Doc]) -> list[Doc]:
    """Return the documents to copy in turn; of orders four of five are complete."""
    if copies.document is not OrderDocument:
        return [{**doc, "outbox": []} if "outbox" in doc else doc for doc in docs]
    complete = [doc for doc in docs if doc["status"] == "complete"]
    cancelled = [doc for doc in docs if doc["status"] == "cancelled"]
    mixed = [*complete[:1] * (CANCELLED_ONE_IN - 1), *cancelled[:1]]
    return [{**doc, "outbox": [], "slot": None} for doc in mixed]
