"""Deadlines in MongoDB: the only file that touches it."""

import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pymongo import ASCENDING, IndexModel, UpdateOne
from pymongo.errors import DuplicateKeyError

from common.batching import Batcher
from common.change import Change
from common.errors import NotFound
from common.observability import tracing
from common.persistence.mongo import (
    OUTBOX_INDEX,
    AggregateDocument,
    Doc,
    object_id,
    raise_write_concern_errors,
)
from common.persistence.outbox import Relay
from common.persistence.store import Store
from common.persistence.writer import VersionedUpdate
from common.values.clock import Clock
from expiration.domain import Deadline, Status

BATCH_DELAY_SECONDS: Final = 0.1
"""Seconds that a deadline may wait to be written with others; it is minutes away."""


class DeadlineDocument(AggregateDocument):
    """A deadline; its id is the order's."""

    class Settings:
        name = "deadlines"
        indexes = [
            OUTBOX_INDEX,
            IndexModel(
                [("expires_at", ASCENDING)],
                name="waiting",
                partialFilterExpression={"status": Status.WAITING},
            ),
        ]


def _from_document(doc: Mapping[str, Any]) -> Deadline:
    return Deadline(
        id=str(doc["_id"]),
        version=doc["version"],
        expires_at=doc["expires_at"],
        status=Status(doc["status"]),
        order_version=doc["order_version"],
        trace_headers=doc.get("belongs", {}),  # rows of before have none
    )


def _to_document(deadline: Deadline) -> Doc:
    return {
        "expires_at": deadline.expires_at,
        "status": deadline.status,
        "order_version": deadline.order_version,
        "belongs": dict(deadline.trace_headers),
    }


class DeadlineStore(Store[Deadline]):
    """Every deadline there is or was."""

    def __init__(self, relay: Relay, clock: Clock) -> None:
        super().__init__(
            DeadlineDocument,
            relay,
            clock,
            from_document=_from_document,
            to_document=_to_document,
            max_delay=BATCH_DELAY_SECONDS,
        )
        self._follow = Batcher(self._apply_batch, max_delay=BATCH_DELAY_SECONDS)

    async def upsert(
        self, added: Change[Deadline], decide: Callable[[Deadline], Change[Deadline]]
    ) -> Deadline:
        """Add the deadline of an order, or have the one that is there follow; the likelier first.

        Args:
            added: what it is, if this is the first that is heard of the order.
            decide: how the one that is there follows.
        """
        order_id = added.after.id
        if added.after.order_version > 0:
            with contextlib.suppress(NotFound):
                return await self.apply_event(order_id, decide)
        try:
            return await self.add(added)
        except DuplicateKeyError:
            return await self.apply_event(order_id, decide)

    async def update_many(
        self, order_ids: Sequence[str], decide: Callable[[Deadline], Change[Deadline]]
    ) -> list[Deadline]:
        """Change many in one write, each only if nobody wrote it in between.

        Returns:
            Each that is there, as it is now to be, or as it was where the race was lost.
        """
        ids = [object_id(order_id) for order_id in order_ids]
        docs = await self.collection.find({"_id": {"$in": ids}}, {"outbox": 0}).to_list()
        known = [self.from_document(doc) for doc in docs]
        changes = {before: decide(before) for before in known}
        wanted = {before: change for before, change in changes.items() if change.after != before}
        if not wanted:
            return known
        steps = {before.id: self._step(before, change) for before, change in wanted.items()}
        updates = [UpdateOne(step.expected, step.update) for step in steps.values()]
        with raise_write_concern_errors():
            result = await self.collection.bulk_write(updates, ordered=False)
        written = set(steps)
        if result.modified_count < len(steps):
            entry_ids = [entry["id"] for step in steps.values() for entry in step.entries]
            written = await self._ids_with_entries(entry_ids, ids)
        for order_id in written:
            self._writer.publish_events(steps[order_id])
        return [changes[b].after if b.id in written else b for b in known]

    def _step(self, before: Deadline, change: Change[Deadline]) -> VersionedUpdate:
        """Tell of it in the trace of its order, not in that of whatever else is due."""
        with tracing.continue_trace("expire", change.after.trace_headers):
            return self._writer.prepare(before, change)

    async def _ids_with_entries(self, entry_ids: Sequence[str], ids: Sequence[object]) -> set[str]:
        """Tell whose outbox holds one of these entries: there it was written, not lost."""
        ours = {"_id": {"$in": list(ids)}, "outbox.id": {"$in": list(entry_ids)}}
        return {str(doc["_id"]) async for doc in self.collection.find(ours, {"_id": 1})}

    async def iter_due(self, *, until: datetime, batch: int) -> AsyncGenerator[list[Deadline]]:
        """Go through what waits and comes due by then, the most urgent first."""
        due = {"status": Status.WAITING, "expires_at": {"$lte": until}}
        found: list[Deadline] = []
        async for doc in self.collection.find(due, {"outbox": 0}).sort("expires_at", ASCENDING):
            found.append(self.from_document(doc))
            if len(found) == batch:
                yield found
                found = []
        if found:
            yield found
