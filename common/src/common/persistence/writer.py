"""Conditional writes of finished documents.

An update names the version that was read, so one of two concurrent writers fails. There is no other
way to write an aggregate: a whole-document `save()` or `replace()` would overwrite events that
another request has added to the outbox since the read.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bson import ObjectId
from pymongo import UpdateMany

from common.batching import Batcher
from common.persistence.mongo import Collection, Doc, batch_insert, raise_write_concern_errors
from common.persistence.outbox import Relay


@dataclass(frozen=True, slots=True)
class VersionedUpdate:
    """The MongoDB update of one aggregate from one version to the next.

    Attributes:
        expected: the filter: the id and the version that was read.
        update: the MongoDB update, of `$set` and `$push` with `$each`.
        outbox: the entries that the update puts in the outbox.
    """

    expected: Doc
    update: Doc
    outbox: list[Doc]


class Writer:
    """Writes the documents of one collection and passes their events to the relay."""

    def __init__(self, collection: Collection, relay: Relay, *, insert_delay: float = 0) -> None:
        self._collection = collection
        self._relay = relay
        self._insert = Batcher(batch_insert(collection), max_delay=insert_delay)

    async def insert(self, doc: Doc, *, defers_events: bool = False) -> None:
        """Insert a document.

        Args:
            doc: the document.
            defers_events: leave its events to the sweep (`AggregateMapping.defers_events`).

        Raises:
            DuplicateKeyError: a unique index rejected it.
        """
        await self._insert(doc)
        if not defers_events:
            self._relay.publish_soon(self._collection, doc["_id"], doc["outbox"])

    async def update(self, update: VersionedUpdate) -> bool:
        """Write an update, and return whether the expected version was still the stored one."""
        result = await self._collection.update_one(update.expected, update.update)
        if result.modified_count != 1:
            return False
        self._publish_events(update)
        return True

    async def update_many(self, updates: Sequence[VersionedUpdate]) -> list[bool]:
        """Write updates in one command, and return of each whether it is known to be written.

        The driver does not retry the command.
        """
        requests = [_update_by_id(update) for update in updates]
        with raise_write_concern_errors():
            result = await self._collection.bulk_write(requests, ordered=False)
        written = [True] * len(updates)
        if result.modified_count < len(updates):
            written = await self._find_written(updates)
        for update, is_written in zip(updates, written, strict=True):
            if is_written:
                self._publish_events(update)
        return written

    async def _find_written(self, updates: Sequence[VersionedUpdate]) -> list[bool]:
        """Return whether each update is the newest of its aggregate: MongoDB reports only a number.

        Its event alone does not prove it: another writer's event of the same version and
        millisecond is equal if they differ in what is not public.
        """
        ids = {"_id": {"$in": [update.expected["_id"] for update in updates]}}
        names = {name for update in updates for name in update.update["$set"]}
        docs = self._collection.find(ids, dict.fromkeys(["outbox", *names], 1))
        found: dict[ObjectId, Doc] = {doc["_id"]: doc async for doc in docs}
        return [
            bool(update.outbox) and _is_stored(update, found.get(update.expected["_id"], {}))
            for update in updates
        ]

    def _publish_events(self, update: VersionedUpdate) -> None:
        self._relay.publish_soon(self._collection, update.expected["_id"], update.outbox)

    async def wait_for_majority(self, aggregate_id: str) -> None:
        """Wait until a state that was read is committed by a majority.

        Otherwise an event could be acknowledged because of a write that is later rolled back. A
        write that changes nothing waits for all writes before it.
        """
        await self._collection.update_one(
            {"_id": ObjectId(aggregate_id)}, {"$unset": {"nothing": 1}}
        )


def _is_stored(update: VersionedUpdate, doc: Doc) -> bool:
    state = {name: value for name, value in update.update["$set"].items() if name != "outbox"}
    return update.outbox[0] in doc.get("outbox", ()) and all(
        name in doc and doc[name] == value for name, value in state.items()
    )


def _update_by_id(update: VersionedUpdate) -> UpdateMany:
    """Return the update with the expected version in it, instead of in the filter.

    MongoDB plans a query with any condition beside the id, and stores a record for each update that
    the driver may retry: together a third of what such an update costs.
    """
    pushed: dict[str, Doc] = update.update.get("$push", {})
    appended: Doc = {
        name: {"$concatArrays": [{"$ifNull": [f"${name}", []]}, {"$literal": push["$each"]}]}
        for name, push in pushed.items()
    }
    is_expected = {"$eq": ["$version", update.expected["version"]]}
    after: Doc = {"$mergeObjects": ["$$ROOT", {"$literal": update.update["$set"]}, appended]}
    return UpdateMany(
        {"_id": update.expected["_id"]},
        [{"$replaceWith": {"$cond": [is_expected, after, "$$ROOT"]}}],
    )
