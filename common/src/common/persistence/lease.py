"""A lease: at most one replica at a time runs a periodic task."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from common.persistence.mongo import UNJOURNALED
from common.values.clock import Clock


class Lease:
    """One process's claim on a periodic task, valid until it is no longer renewed in time.

    A lease saves work and guards nothing: a slow holder and its successor can both run the task for
    a moment, so it must be harmless twice. So the write waits for no journal. Many tasks run more
    often than the lease needs: its holder writes it again only after a third of its time, and the
    others read it again only when it ends, because until then they cannot acquire it.
    """

    def __init__(
        self, database: AsyncDatabase[dict[str, Any]], name: str, ttl: timedelta, clock: Clock
    ) -> None:
        self._leases = database.get_collection("leases", write_concern=UNJOURNALED)
        self._name = name
        self._ttl = ttl
        self._clock = clock
        self._owner_id = uuid4().hex
        self._is_held = False
        self._valid_until: datetime | None = None

    @property
    def seconds_until_next_request(self) -> float:
        """How long the last result is valid, during which MongoDB is not asked."""
        if self._valid_until is None:
            return 0.0
        return max(0.0, (self._valid_until - self._clock()).total_seconds())

    async def acquire_or_renew(self) -> bool:
        """Acquire or renew the lease, and return whether this process holds it."""
        now = self._clock()
        if self._valid_until is not None and now < self._valid_until:
            return self._is_held
        self._is_held, was_held, self._valid_until = False, self._is_held, None
        if not was_held and (until := await self._end_of_other(now)) is not None:
            # Not later than its time, because an operator can delete it.
            self._valid_until = min(until, now + self._ttl)
            return False
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
        except DuplicateKeyError:  # another process was faster
            return False
        self._is_held, self._valid_until = True, now + self._ttl / 3
        return True

    async def _end_of_other(self, now: datetime) -> datetime | None:
        """Return when the lease of another process ends, or None if this process may acquire it."""
        lease = await self._leases.find_one(
            {"_id": self._name, "owner": {"$ne": self._owner_id}, "until": {"$gte": now}}
        )
        return lease["until"] if lease else None
