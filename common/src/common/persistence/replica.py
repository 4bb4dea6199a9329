"""Copies of another service's aggregates, written from their events."""

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
"""An aggregate's id, the version of its state, and the fields of that state."""


async def upsert_newer(
    collection: Collection, aggregate_id: str, version: int, fields: Mapping[str, Any]
) -> bool:
    """Store an aggregate's state if it is newer than the stored one, and return whether it was.

    One atomic conditional upsert, so that duplicates and reordering converge to the same state.
    """
    query, update = _build_upsert((aggregate_id, version, fields))
    try:
        result = await collection.update_one(query, update, upsert=True)
    except DuplicateKeyError:  # stored already: not older, or inserted concurrently
        result = await collection.update_one(query, update)
    return result.modified_count == 1 or result.upserted_id is not None


def _build_upsert(replica_update: ReplicaUpdate) -> tuple[Doc, Doc]:
    aggregate_id, version, fields = replica_update
    query = {"_id": ObjectId(aggregate_id), "version": {"$lt": version}}
    return query, {"$set": {"version": version, **fields}}


class Replica:
    """The copies of one kind of aggregate; concurrent reads and upserts are batched."""

    def __init__(self, document: type[Document], *, max_delay: float = 0) -> None:
        self._collection = collection_of(document)
        self._find = Batcher(batch_find_by_id(self._collection))
        self._upsert = Batcher(self._upsert_batch, max_delay=max_delay)

    async def find(self, aggregate_id: str) -> Doc | None:
        """Return a copy, or None if there is none with this id."""
        return await self._find(ObjectId(aggregate_id))

    async def upsert(self, aggregate_id: str, version: int, fields: Mapping[str, Any]) -> bool:
        """Store a state if it is newer, and return whether it is the first one of its aggregate."""
        return await self._upsert((aggregate_id, version, fields))

    async def _upsert_batch(self, updates: Sequence[ReplicaUpdate]) -> Sequence[bool]:
        try:
            with raise_write_concern_errors():
                # UpdateMany, because the driver does not retry it: the listener does.
                result = await self._collection.bulk_write(
                    [UpdateMany(*_build_upsert(update), upsert=True) for update in updates],
                    ordered=False,
                )
        except BulkWriteError as error:
            indexes: list[int] = [failed["index"] for failed in error.details["writeErrors"]]
            rejected = [updates[index] for index in indexes]
            await asyncio.gather(*(upsert_newer(self._collection, *one) for one in rejected))
            return [False] * len(updates)
        upserted = result.upserted_ids or {}
        return [index in upserted for index in range(len(updates))]
