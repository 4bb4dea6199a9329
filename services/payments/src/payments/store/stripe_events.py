"""The processed webhook events, for as long as Stripe may send them again."""

import contextlib
from datetime import timedelta
from typing import Final

from beanie import Document
from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError

from common.persistence.mongo import collection_of
from common.values.clock import Clock

WEBHOOK_EVENT_RETENTION: Final = timedelta(days=30)


class StripeEventDocument(Document):
    """A processed webhook event; its id is Stripe's."""

    class Settings:
        name = "stripe_events"
        indexes = [
            IndexModel("at", expireAfterSeconds=int(WEBHOOK_EVENT_RETENTION.total_seconds()))
        ]


class StripeEvents:
    """The processed webhook events, for as long as Stripe may send them again."""

    def __init__(self, clock: Clock) -> None:
        self._collection = collection_of(StripeEventDocument)
        self._clock = clock

    async def is_processed(self, event_id: str) -> bool:
        """Return whether a webhook event was processed."""
        return await self._collection.find_one({"_id": event_id}) is not None

    async def mark_processed(self, event_id: str) -> None:
        """Record that a webhook event was processed."""
        with contextlib.suppress(DuplicateKeyError):
            await self._collection.insert_one({"_id": event_id, "at": self._clock()})
