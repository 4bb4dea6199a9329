"""Deadlines in MongoDB: the only file that touches it."""

from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from common.change import Change
from common.clock import Clock
from common.mongo import OUTBOX_INDEX, AggregateDocument, Store
from common.outbox import Doc, Relay
from expiration.domain import Deadline, Status


class DeadlineDocument(AggregateDocument):
    """A deadline as it is kept; its id is the order's."""

    expires_at: datetime
    status: Status
    order_version: int

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


def _read(doc: Mapping[str, Any]) -> Deadline:
    return Deadline(
        id=str(doc["_id"]),
        version=doc["version"],
        expires_at=doc["expires_at"],
        status=Status(doc["status"]),
        order_version=doc["order_version"],
    )


def _write(deadline: Deadline) -> Doc:
    return {
        "expires_at": deadline.expires_at,
        "status": deadline.status,
        "order_version": deadline.order_version,
    }


class DeadlineStore(Store[Deadline]):
    """Every deadline there is or was."""

    def __init__(self, relay: Relay, clock: Clock) -> None:
        super().__init__(DeadlineDocument, relay, clock, read=_read, write=_write)

    async def add_or_change(
        self, added: Change[Deadline], decide: Callable[[Deadline], Change[Deadline]]
    ) -> Deadline:
        """Add the deadline of an order, or change the one that is there."""
        try:
            return await self.add(added)
        except DuplicateKeyError:
            return await self.change(added.after.id, decide)

    async def waiting(self, *, until: datetime, batch: int) -> AsyncGenerator[list[Deadline]]:
        """Go through what waits and comes due by then, the most urgent first."""
        due = {"status": Status.WAITING, "expires_at": {"$lte": until}}
        found: list[Deadline] = []
        async for doc in self.collection.find(due, {"outbox": 0}).sort("expires_at", ASCENDING):
            found.append(self.read(doc))
            if len(found) == batch:
                yield found
                found = []
        if found:
            yield found
