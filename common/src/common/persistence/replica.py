"""A copy of another service's aggregates, kept by the events that tell of them."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from beanie import Document
from bson import ObjectId
from pymongo import UpdateMany
from pymongo.errors import BulkWriteError, DuplicateKeyError

from common.batching import Batcher
from common.persistence.mongo import (
    Collection,
    Doc,
    batch_find_by_id,
    collection_of,
    raise_write_concern_errors,
)

ReplicaUpdate = tuple[str, int, Mapping[str, Any]]
"""Whose state, which version of it, and its fields."""


async def upsert_newer(
    collection: Collection, aggregate_id: str, version: int, fields: Mapping[str, Any]
) -> bool:
    """Keep a copy of another service's aggregate: apply its state only if it is newer.

    One atomic conditional upsert, so that duplicates and reordering converge to the same state.

    Returns:
        Whether the state was newer than what was there.
    """
    query, update = _build_upsert((aggregate_id, version, fields))
    try:
        result = await collection.update_one(query, update, upsert=True)
    except DuplicateKeyError:  # it is there: not older, or inserted by another this very moment
        result = await collection.update_one(query, update)
    return result.modified_count == 1 or result.upserted_id is not None


def _build_upsert(replica_update: ReplicaUpdate) -> tuple[Doc, Doc]:
    aggregate_id, version, fields = replica_update
    query = {"_id": ObjectId(aggregate_id), "version": {"$lt": version}}
    return query, {"$set": {"version": version, **fields}}


class Replica:
    """The copies of one kind of aggregate; what is heard at the same moment is one command."""

    def __init__(self, document: type[Document], *, max_delay: float = 0) -> None:
        """Take the document, and how many seconds what is heard may wait for more of it."""
        self._collection = collection_of(document)
        self._find = Batcher(batch_find_by_id(self._collection))
        self._upsert = Batcher(self._upsert_batch, max_delay=max_delay)

    async def find(self, aggregate_id: str) -> Doc | None:
        """Read the copy of one, or nothing."""
        return await self._find(ObjectId(aggregate_id))

    async def upsert(self, aggregate_id: str, version: int, fields: Mapping[str, Any]) -> bool:
        """Take a state over, if it is newer than what is here; say whether nothing was here."""
        return await self._upsert((aggregate_id, version, fields))

    async def _upsert_batch(self, updates: Sequence[ReplicaUpdate]) -> Sequence[bool]:
        try:
            with raise_write_concern_errors():
                # Of many, though there is one: the driver does not repeat it, the listener does.
                result = await self._collection.bulk_write(
                    [UpdateMany(*_build_upsert(update), upsert=True) for update in updates],
                    ordered=False,
                )
        except BulkWriteError as error:
            indexes: list[int] = [
                write_error["index"] for write_error in error.details["writeErrors"]
            ]
            rejected = [updates[index] for index in indexes]
            await asyncio.gather(*(upsert_newer(self._collection, *one) for one in rejected))
            return [False] * len(updates)
        upserted = result.upserted_ids or {}
        return [place in upserted for place in range(len(updates))]
