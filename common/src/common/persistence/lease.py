"""A lease: of all replicas, at most one at a time does a periodic thing."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from common.values.clock import Clock


class Lease:
    """One process's claim on a periodic thing, held for as long as it keeps asking in time.

    It saves work and guards nothing: when a slow holder is overtaken, two do the same for a
    moment, so what is done under it must be harmless twice.
    """

    def __init__(
        self, database: AsyncDatabase[dict[str, Any]], name: str, ttl: timedelta, clock: Clock
    ) -> None:
        self._leases = database["leases"]
        self._name = name
        self._ttl = ttl
        self._clock = clock
        self._owner_id = uuid4().hex

    async def acquire_or_renew(self) -> bool:
        """Take or keep the lease, and tell whether it is ours."""
        now = self._clock()
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
        except DuplicateKeyError:  # it is there, and another's
            return False
        return True
