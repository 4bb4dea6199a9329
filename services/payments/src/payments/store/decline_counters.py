"""Counters of declined payments, shared by all orders and all replicas.

An attempt is counted before Stripe is asked, in one atomic update, and its count is given back when
it succeeds. So concurrent attempts cannot exceed a limit, and an attempt whose process dies stays
counted. A counter is an array of at most as many attempts as its limit, with their times: a new
attempt is accepted if there is room, or if the oldest attempt has left the window.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from beanie import Document
from pymongo import IndexModel, UpdateOne
from pymongo.errors import BulkWriteError

from common.batching import Batcher
from common.errors import ServiceUnavailable
from common.persistence.mongo import Doc, collection_of, raise_write_concern_errors
from common.persistence.outbox import UNJOURNALED
from common.values.clock import Clock

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
REFUSED_CARD_RETENTION: Final = timedelta(days=90)
"""How long at least an account cannot use a card that was reported stolen."""
MAX_REFUSED_ACCOUNTS: Final = 100
"""The accounts stored per card, so that a document stays small; the newest remain."""
MAX_TRIES: Final = 5
"""How often counting is tried while others create the same counter."""
_DUPLICATE_KEY: Final = 11000


class DeclineCounter(Document):
    """The attempts (`attempts`) of an account, card or address, until the last leaves the window.

    That of a card also has the accounts that cannot use it (`refused`). A card is stored by
    Stripe's fingerprint, an id from which no card number can be derived.
    """

    class Settings:
        name = "decline_counters"
        indexes = [
            IndexModel("until", expireAfterSeconds=0),
            IndexModel("attempts.id", name="attempt"),
        ]


@dataclass(frozen=True, slots=True)
class Limit:
    """The number of declines allowed under a key in a sliding window."""

    key: str
    max_declines: int
    window: timedelta

    def remaining_seconds(self, counter: Mapping[str, Any], now: datetime) -> int:
        """Return the seconds until the counter accepts another attempt; 0 if it does now."""
        attempts = counter.get("attempts", [])
        if len(attempts) < self.max_declines:
            return 0
        remaining = attempts[-self.max_declines]["at"] + self.window - now
        return max(0, -(-remaining // timedelta(seconds=1)))


class LimitReached(Exception):
    """A limit is reached."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after


class CardRefused(Exception):
    """The account cannot use this card, because a bank reported it stolen, lost or fraudulent."""


@dataclass(frozen=True, slots=True)
class _Count:
    attempt_id: str
    limit: Limit
    user_id: str


@dataclass(frozen=True, slots=True)
class _Release:
    attempt_id: str
    keys: Sequence[str]


class DeclineCounters:
    """Counts attempts to pay until they succeed."""

    def __init__(self, clock: Clock) -> None:
        self._counters = collection_of(DeclineCounter)
        self._clock = clock
        self._count = Batcher(self._count_batch, min_interval=0)
        self._release = Batcher(self._release_batch, min_interval=0)
        self._release_under = Batcher(self._release_under_batch, min_interval=0)
        # A release that is lost leaves an attempt counted, which harms no limit.
        self._released = self._counters.with_options(write_concern=UNJOURNALED)

    async def count(self, attempt_id: str, user_id: str, limits: Sequence[Limit]) -> None:
        """Count an attempt under every limit; an attempt that is counted already stays so.

        Raises:
            CardRefused: the account cannot use the card of one of the limits.
            LimitReached: a limit is reached. The attempt is counted under none of them.
        """
        remaining, counted = list(limits), list[str]()
        for _ in range(MAX_TRIES):
            accepted = await asyncio.gather(
                *(self._count(_Count(attempt_id, limit, user_id)) for limit in remaining)
            )
            counted += [limit.key for limit, ok in zip(remaining, accepted, strict=True) if ok]
            remaining = [limit for limit, ok in zip(remaining, accepted, strict=True) if not ok]
            if remaining:
                remaining = await self._find_uncounted(attempt_id, user_id, remaining, counted)
            if not remaining:
                return
        raise ServiceUnavailable(retry_after=1)

    async def release(self, attempt_id: str) -> None:
        """Release the counts of an attempt that succeeded, or that Stripe was not asked about."""
        await self._release(attempt_id)

    async def release_under(self, attempt_id: str, keys: Sequence[str]) -> None:
        """Release the counts of an attempt whose keys are all known, which saves their search."""
        await self._release_under(_Release(attempt_id, keys))

    async def release_one(self, attempt_id: str, key: str) -> None:
        """Release the count of an attempt under one key."""
        await self._counters.update_one({"_id": key}, {"$pull": {"attempts": {"id": attempt_id}}})

    async def forget(self, key: str) -> None:
        """Delete a counter."""
        await self._counters.delete_one({"_id": key})

    async def refuse_card(self, key: str, user_id: str) -> None:
        """Refuse the card with this key to an account from now on."""
        others = {"$filter": {"input": _or_empty("$refused"), "cond": {"$ne": ["$$this", user_id]}}}
        refused = {"$slice": [{"$concatArrays": [others, [user_id]]}, -MAX_REFUSED_ACCOUNTS]}
        until = {"$max": ["$until", self._clock() + REFUSED_CARD_RETENTION]}
        update = [{"$set": {"refused": refused, "until": until}}]
        await self._counters.update_one({"_id": key}, update, upsert=True)

    async def _find_uncounted(
        self, attempt_id: str, user_id: str, limits: Sequence[Limit], counted: Sequence[str]
    ) -> list[Limit]:
        """Return the limits under which a rejected attempt can be counted after all."""
        found = self._counters.find({"_id": {"$in": [limit.key for limit in limits]}})
        counters: dict[str, Doc] = {doc["_id"]: doc async for doc in found}
        if any(user_id in counter.get("refused", []) for counter in counters.values()):
            raise CardRefused
        uncounted = [limit for limit in limits if not _has(counters.get(limit.key, {}), attempt_id)]
        now = self._clock()
        waits = [limit.remaining_seconds(counters.get(limit.key, {}), now) for limit in uncounted]
        if any(waits):
            await self._counters.update_many(
                {"_id": {"$in": list(counted)}}, {"$pull": {"attempts": {"id": attempt_id}}}
            )
            raise LimitReached(max(waits))
        return uncounted

    async def _count_batch(self, counts: Sequence[_Count]) -> Sequence[bool]:
        """Count attempts, and return which of them were accepted.

        A counter that does not match is inserted, which its `_id` then rejects.
        """
        now = self._clock()
        accepted = [True] * len(counts)
        try:
            with raise_write_concern_errors():
                await self._counters.bulk_write(
                    [_counting_update(count, now) for count in counts], ordered=False
                )
        except BulkWriteError as error:
            for write_error in error.details["writeErrors"]:
                if write_error["code"] != _DUPLICATE_KEY:
                    raise
                accepted[write_error["index"]] = False
        return accepted

    async def _release_batch(self, attempt_ids: Sequence[str]) -> Sequence[None]:
        among = {"$in": list(attempt_ids)}
        await self._released.update_many(
            {"attempts.id": among}, {"$pull": {"attempts": {"id": among}}}
        )
        return [None] * len(attempt_ids)

    async def _release_under_batch(self, releases: Sequence[_Release]) -> Sequence[None]:
        """Release attempts. Each is released under all its keys, so they need not be kept apart."""
        keys = {key for release in releases for key in release.keys}
        attempt_ids = [release.attempt_id for release in releases]
        await self._released.update_many(
            {"_id": {"$in": list(keys)}}, {"$pull": {"attempts": {"id": {"$in": attempt_ids}}}}
        )
        return [None] * len(releases)


def _counting_update(count: _Count, now: datetime) -> UpdateOne:
    limit = count.limit
    attempt = {"id": count.attempt_id, "at": now}
    has_room = {f"attempts.{limit.max_declines - 1}": {"$exists": False}}
    oldest_has_left = {"attempts.0.at": {"$lte": now - limit.window}}
    return UpdateOne(
        {
            "_id": limit.key,
            "attempts.id": {"$ne": count.attempt_id},
            "refused": {"$ne": count.user_id},
            "$or": [has_room, oldest_has_left],
        },
        {
            "$push": {"attempts": {"$each": [attempt], "$slice": -limit.max_declines}},
            "$max": {"until": now + limit.window},
        },
        upsert=True,
    )


def _has(counter: Mapping[str, Any], attempt_id: str) -> bool:
    return any(attempt["id"] == attempt_id for attempt in counter.get("attempts", []))


def _or_empty(field: str) -> Doc:
    return {"$ifNull": [field, []]}
