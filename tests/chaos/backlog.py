"""How far the system still is from having worked everything off."""

from datetime import datetime, timedelta
from typing import Any, Final

from pymongo import AsyncMongoClient

from chaos.snapshot import consumers
from common.messaging.durable_consumer import ACK_WAIT
from common.values.clock import utc_now
from support.system import System

OUTBOXES: Final = (
    ("auth", "accounts"),
    ("auth", "sessions"),
    ("tickets", "tickets"),
    ("orders", "orders"),
    ("expiration", "deadlines"),
    ("payments", "charges"),
)
LATE: Final = timedelta(seconds=5)
SOON: Final = timedelta(seconds=2)
UNSETTLED: Final = ["processing", "requires_payment_method", "requires_action"]


class Backlog:
    """Looks at what is still to be done."""

    def __init__(self, system: System, *, reconciled: bool = True) -> None:
        """Look at this system.

        Args:
            system: which.
            reconciled: whether anybody goes round to finish what others left unfinished.
        """
        self._system = system
        self._reconciled = reconciled
        self._mongo = AsyncMongoClient[dict[str, Any]](system.mongo, tz_aware=True)

    async def close(self) -> None:
        """Close the connection."""
        await self._mongo.close()

    async def overdue(self, marks: dict[str, int], since: datetime) -> list[str]:
        """Name what should have been done by now, while new things go on arriving.

        Args:
            marks: how far every listener must have heard each stream.
            since: what was left unfinished before must be finished.
        """
        now = utc_now()
        left: list[str] = []
        brought_again = now - since > 2 * timedelta(seconds=ACK_WAIT)
        for consumer in await consumers(self._system):
            mark = marks[consumer.name.partition("-")[2]]
            delivered = consumer.delivered_to >= mark and not consumer.brought_again
            if consumer.heard_to < mark and not (brought_again and delivered):
                left.append(f"{consumer.name} is at {consumer.heard_to} of {mark}")
        left += await self._outboxes({"outbox.at": {"$lt": now - SOON}})
        late = {
            "status": {"$in": ["created", "awaiting:payment"]},
            "expires_at": {"$lt": now - LATE},
        }
        left += self._some("late orders", await self._count("orders", "orders", late))
        return left + (await self._charges(since) if self._reconciled else [])

    async def anything(self) -> list[str]:
        """Name what is still to be done, when nothing new arrives."""
        left = [
            f"{consumer.name} has {consumer.pending} + {consumer.unacknowledged}"
            for consumer in await consumers(self._system)
            if consumer.pending or consumer.unacknowledged
        ]
        left += await self._outboxes({})
        live = {"status": {"$in": ["created", "awaiting:payment"]}}
        left += self._some("live orders", await self._count("orders", "orders", live))
        waiting = {"status": "waiting"}
        left += self._some("deadlines", await self._count("expiration", "deadlines", waiting))
        return left + await self._charges(utc_now())

    async def _charges(self, until: datetime) -> list[str]:
        """Charges that somebody must look at, and has not since."""
        open_ones = {
            "$or": [
                {"status": "refund_pending"},
                {"status": {"$in": UNSETTLED}, "order_cancelled": True},
                {"status": "processing", "lease.until": {"$lt": until}},
            ],
            "updated_at": {"$lt": until},
        }
        return self._some("open charges", await self._count("payments", "charges", open_ones))

    async def _outboxes(self, which: dict[str, Any]) -> list[str]:
        left: list[str] = []
        for service, collection in OUTBOXES:
            waiting = {"outbox.0": {"$exists": True}, **which}
            count = await self._count(service, collection, waiting)
            left += self._some(f"outboxes of {collection}", count)
        return left

    async def _count(self, service: str, collection: str, which: dict[str, Any]) -> int:
        return await self._mongo[service][collection].count_documents(which)

    @staticmethod
    def _some(what: str, count: int) -> list[str]:
        return [f"{count} {what}"] if count else []
