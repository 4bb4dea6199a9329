"""Copies of another service's aggregates, written from their events."""

from collections.abc import Mapping, Sequence
from typing import Any

from beanie import Document
from bson import ObjectId
from pymongo import UpdateMany
from pymongo.errors import BulkWriteError

from common.batching import Batcher
from common.persistence.mongo import (
    Doc,
    batch_find_by_id,
    collection_of,
    raise_write_concern_errors,
)

ReplicaUpdate = tuple[str, int, Mapping[str, Any]]
"""An aggregate's id, the version of its state, and the fields of that state."""


class Replica:
    """The copies of one kind of aggregate; concurrent reads and upserts are batched."""

    def __init__(
        self, document: type[Document], *, max_delay: float = 0, added_field: str | None = None
    ) -> None:
        """Create the replica.

        Args:
            document: names the collection.
            max_delay: seconds that an upsert may wait to be batched with others.
            added_field: a field that copies of an earlier version of the service lack. Such a copy
                is replaced by an event of the same version, which `republish-state` publishes.
        """
        self._added_field = added_field
        self._collection = collection_of(document)
        self._find = Batcher(batch_find_by_id(self._collection))
        self._upsert = Batcher(self._upsert_batch, max_delay=max_delay)

    async def find(self, aggregate_id: str) -> Doc | None:
        """Return a copy, or None if there is none with this id."""
        return await self._find(ObjectId(aggregate_id))

    async def upsert(self, aggregate_id: str, version: int, fields: Mapping[str, Any]) -> None:
        """Store a state if it is newer than the stored one.

        One atomic conditional upsert, so that duplicates and reordering converge to the same state.
        """
        await self._upsert((aggregate_id, version, fields))

    async def _upsert_batch(self, updates: Sequence[ReplicaUpdate]) -> Sequence[None]:
        try:
            await self._write(updates)
        except BulkWriteError as error:  # inserted concurrently
            indexes: list[int] = [failed["index"] for failed in error.details["writeErrors"]]
            await self._write([updates[index] for index in indexes])
        return [None] * len(updates)

    async def _write(self, updates: Sequence[ReplicaUpdate]) -> None:
        # UpdateMany, because the driver does not retry it: the listener does. The filter is only
        # the id, because MongoDB plans a query with any other condition, which takes longer.
        requests = [
            UpdateMany(
                {"_id": ObjectId(aggregate_id)}, self._update_if_older(version, fields), upsert=True
            )
            for aggregate_id, version, fields in updates
        ]
        with raise_write_concern_errors():
            await self._collection.bulk_write(requests, ordered=False)

    def _update_if_older(self, version: int, fields: Mapping[str, Any]) -> list[Doc]:
        """Return an update that changes nothing if the stored state is not older."""
        is_older: Doc = {"$lt": [{"$ifNull": ["$version", -1]}, version]}
        if self._added_field is not None:
            is_missing = {"$eq": [{"$type": f"${self._added_field}"}, "missing"]}
            is_incomplete = {"$and": [{"$eq": ["$version", version]}, is_missing]}
            is_older = {"$or": [is_older, is_incomplete]}
        newer = {"$mergeObjects": ["$$ROOT", {"$literal": {"version": version, **fields}}]}
        return [{"$replaceWith": {"$cond": [is_older, newer, "$$ROOT"]}}]
