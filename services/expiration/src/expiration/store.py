"""Deadlines in MongoDB."""

import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Final

from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from common.change import Change
from common.errors import NotFound
from common.observability import tracing
from common.persistence.aggregate_mapping import AggregateMapping
from common.persistence.mongo import OUTBOX_INDEX, STATE_PROJECTION, AggregateDocument, Doc
from common.persistence.outbox import Relay
from common.persistence.store import Store
from common.values.clock import Clock
from expiration.domain import Deadline, Status

BATCH_DELAY_SECONDS: Final = 0.1
"""How long a write may wait for others. A deadline is minutes away."""
RETENTION: Final = timedelta(days=31)
"""How long after its time a deadline that is over stays stored. The events that set it are older,
and a stream keeps events for thirty days."""


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
            IndexModel(
                [("expires_at", ASCENDING)],
                name="over",
                expireAfterSeconds=int(RETENTION.total_seconds()),
                # MongoDB removes what is in this index, so never an unpublished event.
                partialFilterExpression={
                    "status": {"$in": [Status.EXPIRED, Status.CLEARED]},
                    "outbox": [],
                },
            ),
        ]


def _from_document(doc: Mapping[str, Any]) -> Deadline:
    return Deadline(
        id=str(doc["_id"]),
        version=doc["version"],
        expires_at=doc["expires_at"],
        status=Status(doc["status"]),
        order_version=doc["order_version"],
        trace_headers=doc.get("belongs", {}),  # older documents have none
    )


def _to_document(deadline: Deadline) -> Doc:
    return {
        "expires_at": deadline.expires_at,
        "status": deadline.status,
        "order_version": deadline.order_version,
        "belongs": dict(deadline.trace_headers),
    }


def _order_trace(deadline: Deadline) -> AbstractContextManager[None]:
    """Continue the trace of the order, because one command expires the deadlines of many."""
    return tracing.continue_trace("expire", deadline.trace_headers)


class DeadlineStore(Store[Deadline]):
    """All deadlines, and for `RETENTION` those that are expired or cleared."""

    def __init__(self, relay: Relay, clock: Clock) -> None:
        super().__init__(
            DeadlineDocument,
            AggregateMapping(
                from_document=_from_document,
                to_document=_to_document,
                event_context=_order_trace,
            ),
            relay,
            clock,
            insert_delay=BATCH_DELAY_SECONDS,
            update_delay=BATCH_DELAY_SECONDS,
        )

    async def upsert(
        self, added: Change[Deadline], decide: Callable[[Deadline], Change[Deadline]]
    ) -> Deadline:
        """Insert the deadline of an order, or update the existing one; the likelier first.

        One that is over and would be removed at once is not inserted: `republish-state` publishes
        the orders of all times.

        Args:
            added: the deadline if this is the order's first event.
            decide: the change of an existing deadline.
        """
        order_id = added.after.id
        if added.after.order_version > 0:
            with contextlib.suppress(NotFound):
                return await self.update_batched(order_id, decide)
        is_over = added.after.status is not Status.WAITING
        if is_over and added.after.expires_at + RETENTION < self._clock():
            return added.after
        try:
            return await self.add(added)
        except DuplicateKeyError:
            return await self.update_batched(order_id, decide)

    async def iter_due(self, *, until: datetime, batch: int) -> AsyncGenerator[list[Deadline]]:
        """Yield batches of the waiting deadlines that are due by `until`, the earliest first."""
        due = {"status": Status.WAITING, "expires_at": {"$lte": until}}
        found: list[Deadline] = []
        async for doc in self.collection.find(due, STATE_PROJECTION).sort("expires_at", ASCENDING):
            found.append(self.from_document(doc))
            if len(found) == batch:
                yield found
                found = []
        if found:
            yield found
