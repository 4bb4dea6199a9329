"""The cards that an account cannot use, because a bank reported them stolen, lost or fraudulent."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from beanie import Document
from pymongo import IndexModel

from common.batching import Batcher
from common.persistence.mongo import Doc, collection_of, drop_index_if_present
from common.values.clock import Clock

REFUSED_CARD_RETENTION: Final = timedelta(days=90)
"""How long at least an account cannot use a card that was reported stolen."""
MAX_REFUSED_ACCOUNTS: Final = 100
"""The accounts stored per card, so that a document stays small; the newest remain."""
FORMER_INDEX: Final = "attempt"
"""Earlier versions searched the attempts that they counted by it."""


class RefusedCard(Document):
    """A card (`_id`, with Stripe's fingerprint) and the accounts that cannot use it (`refused`).

    Earlier versions counted declines in the same collection, which gave it its name.
    """

    class Settings:
        name = "decline_counters"
        indexes = [IndexModel("until", expireAfterSeconds=0)]


class RefusedCards:
    """Refuses cards to accounts."""

    def __init__(self, clock: Clock) -> None:
        self._collection = collection_of(RefusedCard)
        self._clock = clock
        self._find_accounts = Batcher(self._find_batch, min_interval=0)

    async def drop_former_index(self) -> None:
        """Drop the index of earlier versions. A replica of theirs that starts creates it again."""
        await drop_index_if_present(self._collection, FORMER_INDEX)

    async def is_refused(self, key: str, user_id: str) -> bool:
        """Return whether an account cannot use the card with this key."""
        return user_id in await self._find_accounts(key)

    async def refuse(self, key: str, user_id: str) -> None:
        """Refuse the card with this key to an account from now on."""
        accounts: Doc = {"$ifNull": ["$refused", []]}
        others: Doc = {"$filter": {"input": accounts, "cond": {"$ne": ["$$this", user_id]}}}
        refused: Doc = {"$slice": [{"$concatArrays": [others, [user_id]]}, -MAX_REFUSED_ACCOUNTS]}
        until: Doc = {"$max": ["$until", self._clock() + REFUSED_CARD_RETENTION]}
        update = [{"$set": {"refused": refused, "until": until}}]
        await self._collection.update_one({"_id": key}, update, upsert=True)

    async def _find_batch(self, keys: Sequence[str]) -> Sequence[Sequence[str]]:
        among: Doc = {"_id": {"$in": list(set(keys))}}
        docs = self._collection.find(among, {"refused": 1})
        refused: dict[str, list[str]] = {doc["_id"]: doc.get("refused", []) async for doc in docs}
        return [refused.get(key, []) for key in keys]
