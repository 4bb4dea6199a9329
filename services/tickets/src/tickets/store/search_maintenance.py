"""The periodic work for the search.

It updates stored words, samples their frequencies, and removes tickets of shows that have started.
"""

from datetime import timedelta
from typing import Final

import structlog
from bson import ObjectId
from pymongo import ASCENDING, UpdateOne
from pymongo.asynchronous.database import AsyncDatabase

from common.persistence.lease import Lease
from common.persistence.mongo import Doc, collection_of, drop_index_if_present
from common.values.clock import Clock
from tickets.store.started_shows import unlist_started
from tickets.store.tickets import TicketDocument, terms_of
from tickets.store.vocabulary import Vocabulary

log = structlog.get_logger("search-maintenance")

INTERVAL_SECONDS: Final = 60.0
LEASE_TTL: Final = timedelta(seconds=1.5 * INTERVAL_SECONDS)
WORDS_VERSION: Final = 5
"""Increment it when `ticket_terms` changes: all stored words are then computed again."""
BATCH_SIZE: Final = 500
MAX_ADDED_WORDS: Final = 50_000
FORMER_INDEX: Final = "words"
"""The index of the words before they were indexed together with the sort keys."""


class SearchMaintenance:
    """Maintains the words of the tickets; one replica at a time does so."""

    def __init__(self, database: AsyncDatabase[Doc], clock: Clock) -> None:
        self._tickets = collection_of(TicketDocument)
        self._vocabulary = Vocabulary(self._tickets)
        self._progress = database["progress"]
        self._clock = clock
        self._lease = Lease(database, "search-maintenance", LEASE_TTL, clock)
        self._added_words: set[str] = set()

    async def run(self) -> None:
        """Update the stored words if they are of another version, then do what is due."""
        while await self._lease.acquire_or_renew():
            if await self.update_next_batch():
                await unlist_started(self._tickets, self._clock())
                await self._vocabulary.sample()
                return

    async def update_next_batch(self) -> bool:
        """Update the words of some tickets, and return whether those of all are up to date.

        The position is stored after each batch, so that the next process continues there. A batch
        that a crash repeats changes nothing.
        """
        step = f"words-{WORDS_VERSION}"
        progress = await self._progress.find_one({"_id": step}) or {"after": None, "done": False}
        if progress["done"]:
            return True
        remaining = {"_id": {"$gt": progress["after"]}} if progress["after"] else {}
        docs = (
            await self._tickets.find(remaining, {"version": 1, "title": 1, "show": 1, "words": 1})
            .sort("_id", ASCENDING)
            .limit(BATCH_SIZE)
            .to_list()
        )
        await self._update_words(docs)
        done = len(docs) < BATCH_SIZE
        if done:
            await drop_index_if_present(self._tickets, FORMER_INDEX)
        after: ObjectId | None = docs[-1]["_id"] if docs else progress["after"]
        await self._progress.update_one(
            {"_id": step}, {"$set": {"after": after, "done": done}}, upsert=True
        )
        return done

    async def _update_words(self, docs: list[Doc]) -> None:
        words = {doc["_id"]: terms_of(doc) for doc in docs}
        await self._add_to_vocabulary({word for terms in words.values() for word in terms})
        updates = [  # conditional on the version: a change in between stored its own words
            UpdateOne(
                {"_id": doc["_id"], "version": doc["version"]},
                {"$set": {"words": words[doc["_id"]]}},
            )
            for doc in docs
            if doc.get("words") != words[doc["_id"]]
        ]
        if updates:
            result = await self._tickets.bulk_write(updates, ordered=False)
            log.info("stored words updated", tickets=result.modified_count)

    async def _add_to_vocabulary(self, words: set[str]) -> None:
        """Add words, but not again and again those that are in many titles."""
        words -= self._added_words
        await self._vocabulary.add(words)
        if len(self._added_words) > MAX_ADDED_WORDS:
            self._added_words.clear()
        self._added_words |= words
