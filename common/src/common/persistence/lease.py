"""A lease: at most one replica at a time runs a periodic task."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from common.values.clock import Clock


class Lease:
    """One process's claim on a periodic task, valid until it is no longer renewed in time.

    A lease saves work and guards nothing: a slow holder and its successor can both run the task for
    a moment, so it must be harmless twice. Its holder writes it again only after a third of its
    time, because many tasks run more often than that.
    """

    def __init__(
        self, database: AsyncDatabase[dict[str, Any]], name: str, ttl: timedelta, clock: Clock
    ) -> None:
        self._leases = database["leases"]
        self._name = name
        self._ttl = ttl
        self._clock = clock
        self._owner_id = uuid4().hex
        self._renew_at: datetime | None = None  # while this process holds the lease

    async def acquire_or_renew(self) -> bool:
        """Acquire or renew the lease, and return whether this process holds it."""
        now = self._clock()
        if self._renew_at is not None and now < self._renew_at:
            return True
        self._renew_at = None
        owned_or_expired = {
            "_id": self._name,
            "$or": [{"owner": self._owner_id}, {"until": {"$lt": now}}],
        }
        try:
            await self._leases.update_one(
                owned_or_expired,
                {"$set": {"owner": self._owner_id, "until": now + self._ttl}},
                upsert=True,
            )
        except DuplicateKeyError:  # another process holds it
            return False
        self._renew_at = now + self._ttl / 3
        return True
