"""Counters of attempts in MongoDB."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from beanie import Document
from pymongo import IndexModel, UpdateOne
from pymongo.errors import BulkWriteError

from common.batching import Batcher
from common.errors import TooManyRequests
from common.persistence.mongo import UNJOURNALED, collection_of
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

    The updates do not wait for a majority or the journal, so a failover may lose some. Concurrent
    attempts share one command: many commands would conflict on one counter, and need a connection
    each.
    """

    def __init__(self, clock: Clock, window_seconds: int) -> None:
        self._attempts = collection_of(ThrottleDocument).with_options(write_concern=UNJOURNALED)
        self._clock = clock
        self._window = timedelta(seconds=window_seconds)
        self._reached_until: dict[str, datetime] = {}
        self._record = Batcher(self._record_batch, min_interval=0)

    async def record_attempt(self, *limits: RateLimit) -> None:
        """Record an attempt under each limit.

        An attempt that one limit rejects does not count under those after it.

        Raises:
            TooManyRequests: A limit was reached before.
        """
        if rejection := self._rejection(limits, self._clock()):
            raise rejection
        await self._record(limits)

    async def _record_batch(
        self, attempts: Sequence[Sequence[RateLimit]]
    ) -> Sequence[TooManyRequests | None]:
        """Record attempts one after the other, and return which of them were rejected.

        A command ends at a counter that it cannot increment. The next one continues there if
        another process has inserted that counter first, and otherwise with the next attempt.
        """
        now = self._clock()
        rejections: list[TooManyRequests | None] = [None] * len(attempts)
        pending = [(number, limit) for number, one in enumerate(attempts) for limit in one]
        while pending:
            updates = [self._increment(limit, now) for _, limit in pending]
            try:
                await self._attempts.bulk_write(updates, ordered=True)
            except BulkWriteError as error:
                (failure,) = error.details["writeErrors"]
                if failure["code"] != DUPLICATE_KEY:
                    raise
                pending = pending[failure["index"] :]
                await self._remember_if_reached(pending[0][1])
                for number in {number for number, _ in pending}:
                    rejections[number] = self._rejection(attempts[number], now)
                pending = [step for step in pending if rejections[step[0]] is None]
            else:
                break
        return rejections

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

    def _rejection(self, limits: Sequence[RateLimit], now: datetime) -> TooManyRequests | None:
        """Return an error if one of the limits is known to be reached."""
        for limit in limits:
            remaining = self._reached_until.get(limit.key, now) - now
            if remaining > timedelta(0):
                return TooManyRequests(retry_after=-(-remaining // timedelta(seconds=1)))
        return None
