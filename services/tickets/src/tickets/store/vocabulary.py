"""The terms of the tickets, with their frequency among the available tickets.

The collection `words` only speeds up searches. The index of the tickets is the truth: `expand` asks
it for words that lie between the known ones, so a word that is missing here hides no ticket.
"""

from collections.abc import Collection as AbstractCollection
from collections.abc import Iterable
from typing import Final

import pymongo
from beanie import Document
from bson import ObjectId
from pymongo import IndexModel, UpdateOne

from common.events import TicketStatus
from common.persistence.mongo import Collection, Doc, collection_of

MAX_EXPANSIONS: Final = 16
"""A prefix of more words than this does not choose the index range of a search."""
MAX_ROUNDS: Final = 4
MAX_EXPANSION_COST: Final = 2 * (MAX_EXPANSIONS + 1) + MAX_ROUNDS * (MAX_EXPANSIONS + 4)
"""How many index keys and documents `expand` examines at most."""
SAMPLE_SIZE: Final = 2_000
SAMPLE_TIMEOUT_SECONDS: Final = 30.0
WORDS_NEWEST: Final = "words_newest"
SAMPLED: Final = "sampled"
"""The index of the words of the last sample."""
_LAST_CHARACTER: Final = chr(0x10FFFF)


class WordDocument(Document):
    """A term; `n` is the number of available tickets in the last sample that have it."""

    id: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]
    n: int

    class Settings:
        name = "words"
        indexes = [
            IndexModel("n", name=SAMPLED, partialFilterExpression={"n": {"$gt": 0}}),
        ]


class Vocabulary:
    """The known words and their frequencies."""

    def __init__(self, tickets: Collection) -> None:
        self._tickets = tickets
        self._words = collection_of(WordDocument)

    async def frequencies(self, words: AbstractCollection[str]) -> dict[str, int]:
        """Return the frequencies of the known ones among these words."""
        if not words:
            return {}
        return await self._find({"$in": list(words)}, limit=len(words))

    async def expand(self, prefix: str) -> dict[str, int] | None:
        """Return the words of available tickets that begin with a prefix, with their frequencies.

        Returns None if they are too many, if too many of them are not known yet, or if the prefix
        is empty.
        """
        if not prefix:
            return None
        beginning = {"$gte": prefix, "$lt": prefix + _LAST_CHARACTER}
        words = await self._find(beginning, limit=MAX_EXPANSIONS + 1)
        for _ in range(MAX_ROUNDS):
            if len(words) > MAX_EXPANSIONS:
                return None
            unknown = {"$elemMatch": {**beginning, "$nin": list(words)}}
            doc = await self._tickets.find_one(
                {"status": TicketStatus.AVAILABLE, "words": unknown},
                {"words": 1},
                hint=WORDS_NEWEST,
            )
            if doc is None:
                return words
            found = {word for word in doc["words"] if word.startswith(prefix)} - words.keys()
            await self.add(found)
            words |= dict.fromkeys(found, 0)
        return None

    async def add(self, words: Iterable[str]) -> None:
        """Add those of the words that are not known yet."""
        upserts = [
            UpdateOne({"_id": word}, {"$setOnInsert": {"n": 0}}, upsert=True) for word in words
        ]
        if upserts:
            await self._words.bulk_write(upserts, ordered=False)

    async def sample(self) -> None:
        """Set the frequencies to those in a random sample of the tickets."""
        sample_id = ObjectId()
        with pymongo.timeout(SAMPLE_TIMEOUT_SECONDS):  # more than that of a request
            merged = await self._tickets.aggregate(
                [
                    {"$sample": {"size": SAMPLE_SIZE}},
                    {"$match": {"status": TicketStatus.AVAILABLE}},
                    {"$unwind": "$words"},
                    {"$group": {"_id": "$words", "n": {"$sum": 1}}},
                    {"$set": {"sample": sample_id}},
                    {"$merge": {"into": self._words.name}},
                ]
            )
            await merged.to_list()
            outdated = {"n": {"$gt": 0}, "sample": {"$ne": sample_id}}
            await self._words.update_many(outdated, {"$set": {"n": 0}}, hint=SAMPLED)

    async def _find(self, ids: Doc, *, limit: int) -> dict[str, int]:
        docs = self._words.find({"_id": ids}).limit(limit)
        return {doc["_id"]: doc["n"] async for doc in docs}
