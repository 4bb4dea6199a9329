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
MAX_REMEMBERED: Final = 10_000
"""Reached limits that a process remembers; beyond that the oldest is read again."""


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
        self._reached_until: dict[str, datetime] = {}

    async def record_attempt(self, *limits: RateLimit) -> None:
        """Record an attempt under each limit, in one command.

        An attempt that one limit rejects does not count under those after it.

        Raises:
            TooManyRequests: A limit was reached before.
        """
        now = self._clock()
        for limit in limits:
            self._raise_while_reached(limit, now)
        pending = limits
        while pending:
            updates = [self._increment(limit, now) for limit in pending]
            try:
                await self._attempts.bulk_write(updates, ordered=True)
            except BulkWriteError as error:
                (failure,) = error.details["writeErrors"]
                if failure["code"] != DUPLICATE_KEY:
                    raise
                pending = pending[failure["index"] :]
                await self._remember_if_reached(pending[0])
                self._raise_while_reached(pending[0], now)
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

    async def _remember_if_reached(self, limit: RateLimit) -> None:
        """Remember until when a limit is reached, if it is.

        Further attempts then cost no command, and create no counters under the other limits. If the
        limit is not reached, another process has inserted the counter first.
        """
        attempts = await self._attempts.find_one({"_id": limit.key})
        if attempts and attempts["tries"] >= limit.max_attempts:
            self._reached_until.pop(limit.key, None)
            self._reached_until[limit.key] = attempts["until"]
            if len(self._reached_until) > MAX_REMEMBERED:
                del self._reached_until[next(iter(self._reached_until))]

    def _raise_while_reached(self, limit: RateLimit, now: datetime) -> None:
        remaining = self._reached_until.get(limit.key, now) - now
        if remaining > timedelta(0):
            raise TooManyRequests(retry_after=-(-remaining // timedelta(seconds=1)))
