"""Counters of attempts in MongoDB."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from beanie import Document
from pymongo import IndexModel, UpdateOne, WriteConcern
from pymongo.errors import BulkWriteError

from common.errors import TooManyRequests
from common.persistence.mongo import collection_of
from common.values.clock import Clock

DUPLICATE_KEY: Final = 11000


class ThrottleDocument(Document):
    """A counter of attempts (`tries`) in one window, which ends at `until`."""

    class Settings:
        name = "throttle"
        indexes = [IndexModel("until", expireAfterSeconds=0)]


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The number of attempts allowed under a key in one window."""

    key: str
    max_attempts: int


class AttemptLimiter:
    """Counts attempts in atomic updates, so that all replicas share one count.

    The updates do not wait for a majority or the journal, so a failover may lose some.
    """

    def __init__(self, clock: Clock, window_seconds: int) -> None:
        self._attempts = collection_of(ThrottleDocument).with_options(
            write_concern=WriteConcern(w=1, j=False)
        )
        self._clock = clock
        self._window = timedelta(seconds=window_seconds)

    async def record_attempt(self, *limits: RateLimit) -> None:
        """Record an attempt under each limit, in one command.

        An attempt that one limit rejects does not count under those after it.

        Raises:
            TooManyRequests: A limit was reached before.
        """
        pending = limits
        while pending:
            now = self._clock()
            updates = [self._increment(limit, now) for limit in pending]
            try:
                await self._attempts.bulk_write(updates, ordered=True)
            except BulkWriteError as error:
                (failure,) = error.details["writeErrors"]
                if failure["code"] != DUPLICATE_KEY:
                    raise
                pending = pending[failure["index"] :]
                await self._raise_if_reached(pending[0], now)
            else:
                return

    def _increment(self, limit: RateLimit, now: datetime) -> UpdateOne:
        """Return an upsert that fails with a duplicate key if the limit is reached."""
        window_is_open = {"$gt": ["$until", now]}
        return UpdateOne(
            {
                "_id": limit.key,
                "$or": [{"tries": {"$lt": limit.max_attempts}}, {"until": {"$lte": now}}],
            },
            [
                {
                    "$set": {
                        "tries": {"$cond": [window_is_open, {"$add": ["$tries", 1]}, 1]},
                        "until": {"$cond": [window_is_open, "$until", now + self._window]},
                    }
                }
            ],
            upsert=True,
        )

    async def _raise_if_reached(self, limit: RateLimit, now: datetime) -> None:
        """Raise if the limit is reached. Otherwise another process inserted the counter first."""
        attempts = await self._attempts.find_one({"_id": limit.key})
        remaining = attempts["until"] - now if attempts else timedelta(0)
        if attempts and attempts["tries"] >= limit.max_attempts and remaining > timedelta(0):
            raise TooManyRequests(retry_after=-(-remaining // timedelta(seconds=1)))
