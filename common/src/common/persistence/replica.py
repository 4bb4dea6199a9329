"""A copy of another service's aggregates, kept by the events that tell of them."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from beanie import Document
from bson import ObjectId
from pymongo import UpdateMany
from pymongo.errors import BulkWriteError, DuplicateKeyError

from common.batching import Grouped
from common.persistence.mongo import Collection, Doc, acknowledged, collection_of, finder

News = tuple[str, int, Mapping[str, Any]]
"""Whose state, which version of it, and its fields."""


async def upsert_newer(
    collection: Collection, aggregate_id: str, version: int, fields: Mapping[str, Any]
) -> bool:
    """Keep a copy of another service's aggregate: apply its state only if it is newer.

    One atomic conditional upsert, so that duplicates and reordering converge to the same state.

    Returns:
        Whether the state was newer than what was there.
    """
    older, update = _upsert((aggregate_id, version, fields))
    try:
        result = await collection.update_one(older, update, upsert=True)
    except DuplicateKeyError:  # it is there: not older, or inserted by another this very moment
        result = await collection.update_one(older, update)
    return result.modified_count == 1 or result.upserted_id is not None


def _upsert(news: News) -> tuple[Doc, Doc]:
    aggregate_id, version, fields = news
    older = {"_id": ObjectId(aggregate_id), "version": {"$lt": version}}
    return older, {"$set": {"version": version, **fields}}


class Replica:
    """The copies of one kind of aggregate; what is heard at the same moment is one command."""

    def __init__(self, document: type[Document], *, linger: float = 0) -> None:
        """Take the document, and how many seconds what is heard may wait for more of it."""
        self._collection = collection_of(document)
        self._find = Grouped(finder(self._collection))
        self._keep = Grouped(self._keep_all, linger=linger)

    async def find(self, aggregate_id: str) -> Doc | None:
        """Read the copy of one, or nothing."""
        return await self._find(ObjectId(aggregate_id))

    async def keep(self, aggregate_id: str, version: int, fields: Mapping[str, Any]) -> bool:
        """Take a state over, if it is newer than what is here; say whether nothing was here."""
        return await self._keep((aggregate_id, version, fields))

    async def _keep_all(self, news: Sequence[News]) -> Sequence[bool]:
        try:
            with acknowledged():
                # Of many, though there is one: the driver does not repeat it, the listener does.
                result = await self._collection.bulk_write(
                    [UpdateMany(*_upsert(one), upsert=True) for one in news], ordered=False
                )
        except BulkWriteError as error:
            places: list[int] = [wrong["index"] for wrong in error.details["writeErrors"]]
            refused = [news[place] for place in places]
            await asyncio.gather(*(upsert_newer(self._collection, *one) for one in refused))
            return [False] * len(news)
        new = result.upserted_ids or {}
        return [place in new for place in range(len(news))]
