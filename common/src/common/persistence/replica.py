"""Copies of another service's aggregates, written from their events."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from beanie import Document
from bson import ObjectId
from pymongo import InsertOne, UpdateMany
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
_Request = InsertOne[Doc] | UpdateMany
MIN_INSERTS: Final = 8
"""How many new copies a batch must hold for them to be inserted by a command of their own, which
costs MongoDB as much as it saves for five."""


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
            await self._write(_likeliest_writes(updates))
        except BulkWriteError as error:  # stored already: not older, or inserted concurrently
            indexes: list[int] = [failed["index"] for failed in error.details["writeErrors"]]
            await self._write([self._update_older(updates[index]) for index in indexes])
        return [None] * len(updates)

    def _update_older(self, update: ReplicaUpdate) -> UpdateMany:
        _, version, _ = update
        older = _older_than(version)
        if self._added_field is not None:
            incomplete: Doc = {"version": version, self._added_field: {"$exists": False}}
            older = {"$or": [older, incomplete]}
        return _update(update, older, upsert=False)

    async def _write(self, requests: Sequence[_Request]) -> None:
        with raise_write_concern_errors():
            await self._collection.bulk_write(requests, ordered=False)


def _likeliest_writes(updates: Sequence[ReplicaUpdate]) -> list[_Request]:
    """Return the writes that succeed unless an event is repeated or late.

    An insert costs MongoDB a fraction of an upsert, but is not sent in one command with updates.
    """
    new = sum(version == 0 for _, version, _ in updates)
    inserts_new = new == len(updates) or new >= MIN_INSERTS
    return [
        InsertOne({"_id": ObjectId(aggregate_id), "version": version, **fields})
        if inserts_new and version == 0
        else _update((aggregate_id, version, fields), _older_than(version), upsert=True)
        for aggregate_id, version, fields in updates
    ]


def _older_than(version: int) -> Doc:
    return {"version": {"$lt": version}}


def _update(update: ReplicaUpdate, older: Doc, *, upsert: bool) -> UpdateMany:
    aggregate_id, version, fields = update
    # UpdateMany, because the driver does not retry it: the listener does.
    return UpdateMany(
        {"_id": ObjectId(aggregate_id), **older},
        {"$set": {"version": version, **fields}},
        upsert=upsert,
    )
