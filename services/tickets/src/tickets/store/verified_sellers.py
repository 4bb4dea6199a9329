"""Which sellers can be paid, from the events of payments.

Responses say so of each ticket, so what was read is remembered for a second. Most lists are of the
same few sellers, and need no query for it.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from beanie import Document
from bson import ObjectId

from common.batching import Batcher
from common.events import SellerEvent, TransfersStatus
from common.persistence.mongo import collection_of
from common.persistence.replica import Replica

TTL_SECONDS: Final = 1.0
"""How long another replica of this service may show what has changed."""
MAX_REMEMBERED: Final = 10_000
NEVER: Final = (float("-inf"), False)


class SellerReplica(Document):
    """A copy of whether the account of a seller may receive money."""

    class Settings:
        name = "sellers"


class VerifiedSellers:
    """The sellers of whom Stripe knows who they are, so that they can be paid."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._collection = collection_of(SellerReplica)
        self._replica = Replica(SellerReplica)
        self._read = Batcher(self._read_batch)
        self._remembered: OrderedDict[str, tuple[float, bool]] = OrderedDict()
        """When a seller was read, and whether it is verified, by the id of the user."""

    async def find(self, user_ids: Iterable[str]) -> frozenset[str]:
        """Return those users who are verified, with one query for all that are not remembered."""
        now = self._clock()
        wanted = {*user_ids}
        verified, unknown = set[str](), list[str]()
        for user_id in wanted:
            read_at, is_verified = self._remembered.get(user_id, NEVER)
            if now - read_at >= TTL_SECONDS:
                unknown.append(user_id)
            elif is_verified:
                verified.add(user_id)
        if unknown:
            found = await self._read(unknown)
            verified |= found
            self._remember({user_id: (now, user_id in found) for user_id in unknown})
        return frozenset(verified)

    async def _read_batch(self, groups: Sequence[list[str]]) -> Sequence[set[str]]:
        """Read the sellers of several requests in one query."""
        active = {
            "_id": {"$in": [*{ObjectId(user_id) for group in groups for user_id in group}]},
            "transfers": TransfersStatus.ACTIVE,
        }
        found = {str(doc["_id"]) async for doc in self._collection.find(active, {"_id": 1})}
        return [found.intersection(group) for group in groups]

    def _remember(self, read: dict[str, tuple[float, bool]]) -> None:
        for user_id in read:
            self._remembered.pop(user_id, None)
        self._remembered.update(read)
        while len(self._remembered) > MAX_REMEMBERED:
            self._remembered.popitem(last=False)

    async def upsert(self, event: SellerEvent) -> None:
        """Store the state of a seller if it is newer than the stored one."""
        await self._replica.upsert(event.id, event.version, {"transfers": event.transfers})
        self._remembered.pop(event.id, None)

    async def delete(self, user_id: str) -> None:
        """Delete the copy of a seller."""
        await self._collection.delete_one({"_id": ObjectId(user_id)})
        self._remembered.pop(user_id, None)
