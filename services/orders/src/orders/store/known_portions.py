"""The portions of a closing account's listings whose withdrawals are known here."""

from datetime import timedelta
from typing import Final

from beanie import Document
from pymongo import IndexModel, ReturnDocument

from common.events import Portion
from common.persistence.mongo import Doc, collection_of, object_id
from common.values.clock import Clock

RETENTION: Final = timedelta(days=31)
"""Longer than a stream keeps the events."""


class KnownPortionsDocument(Document):
    """The numbers of the known ones among the portions that share this id."""

    class Settings:
        name = "known_portions"
        indexes = [IndexModel("at", expireAfterSeconds=int(RETENTION.total_seconds()))]


class KnownPortions:
    """Remembers portions, which several replicas handle in any order."""

    def __init__(self, clock: Clock) -> None:
        self._collection = collection_of(KnownPortionsDocument)
        self._clock = clock

    async def complete(self, portion: Portion) -> bool:
        """Note that a portion is known, and return whether all are. It can be repeated."""
        doc: Doc | None = await self._collection.find_one_and_update(
            {"_id": object_id(portion.of)},
            {"$addToSet": {"numbers": portion.number}, "$setOnInsert": {"at": self._clock()}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        return doc is not None and len(doc["numbers"]) >= portion.count
