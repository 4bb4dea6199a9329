"""MongoDB: one connection, and many reads or inserts in one command.

Every aggregate is one document with a `version` and an `outbox`; how it is written is in
`common.persistence.store`.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, cast

from beanie import (
    Document,
    init_beanie,  # pyright: ignore[reportUnknownVariableType] - typed in part
)
from bson import ObjectId
from pymongo import ASCENDING, AsyncMongoClient, IndexModel
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    DuplicateKeyError,
    ExecutionTimeout,
    WaitQueueTimeoutError,
    WriteConcernError,
    WriteError,
)

Doc = dict[str, Any]
Collection = AsyncCollection[Doc]

UNAVAILABLE_ERRORS: Final = (
    AutoReconnect,
    ExecutionTimeout,
    WaitQueueTimeoutError,
    WriteConcernError,
)
"""Nobody's fault: MongoDB cannot be reached, takes too long, or is being stopped."""
STATE_PROJECTION: Final[Doc] = {"outbox": 0, "history": 0}
"""Read a document without what only waits or only accumulates in it."""
_DUPLICATE_KEY: Final = 11000


class AggregateDocument(Document):
    """A collection of aggregates, with the outbox index among its indexes.

    Beanie reads only `Settings` (collection name, indexes); the stores convert the documents.
    """


OUTBOX_INDEX: Final = IndexModel(
    [("outbox.at", ASCENDING)],
    name="outbox",
    partialFilterExpression={"outbox.0": {"$exists": True}},
)
"""What the sweep looks in: only documents with a waiting event are in this index."""


def collection_of(document: type[Document]) -> Collection:
    """Give the collection a document is kept in, for the conditional writes that Beanie lacks."""
    return cast(Collection, document.get_pymongo_collection())


@asynccontextmanager
async def connect(
    uri: str, documents: Sequence[type[Document]]
) -> AsyncGenerator[AsyncDatabase[Doc]]:
    """Open the service's own database, its indexes made, every write awaited by a majority."""
    client: AsyncMongoClient[Doc] = AsyncMongoClient(
        uri,
        w="majority",
        journal=True,
        tz_aware=True,
        retryWrites=True,
        serverSelectionTimeoutMS=5_000,
        connectTimeoutMS=3_000,
        socketTimeoutMS=15_000,
        maxPoolSize=64,
        waitQueueTimeoutMS=5_000,
    )
    try:
        database = client.get_default_database()
        await init_beanie(database, document_models=list(documents))
        yield database
    finally:
        await client.close()


@contextmanager
def raise_write_concern_errors() -> Generator[None]:
    """Take many writes that no majority acknowledged for a MongoDB that is away.

    Whatever was written may yet be undone. A MongoDB that is told to stop says so of each write
    that is under way.

    Raises:
        WriteConcernError: it is so.
        BulkWriteError: some were refused, each for its own reason.
    """
    try:
        yield
    except BulkWriteError as error:
        for write_concern_error in error.details.get("writeConcernErrors", ()):
            raise WriteConcernError(
                write_concern_error["errmsg"], write_concern_error.get("code"), write_concern_error
            ) from error
        raise


def batch_find_by_id(
    collection: Collection,
) -> Callable[[Sequence[ObjectId]], Awaitable[Sequence[Doc | None]]]:
    """Read many documents by their ids in one query."""

    async def find(ids: Sequence[ObjectId]) -> Sequence[Doc | None]:
        docs = collection.find({"_id": {"$in": list(set(ids))}}, STATE_PROJECTION)
        found = {doc["_id"]: doc async for doc in docs}
        return [found.get(_id) for _id in ids]

    return find


def batch_insert(
    collection: Collection,
) -> Callable[[Sequence[Doc]], Awaitable[Sequence[Exception | None]]]:
    """Insert many documents in one command; a duplicate is the fault of the one that is it."""

    async def insert(docs: Sequence[Doc]) -> Sequence[Exception | None]:
        outcomes: list[Exception | None] = [None] * len(docs)
        try:
            with raise_write_concern_errors():
                await collection.insert_many(docs, ordered=False)
        except BulkWriteError as error:
            for write_error in error.details["writeErrors"]:
                outcomes[write_error["index"]] = _write_error(write_error)
        return outcomes

    return insert


def _write_error(write_error: Mapping[str, Any]) -> Exception:
    if write_error["code"] == _DUPLICATE_KEY:
        return DuplicateKeyError(write_error["errmsg"], write_error["code"], write_error)
    return WriteError(write_error["errmsg"], write_error["code"], write_error)


def object_id(text: str) -> ObjectId:
    """Turn one of our ids into MongoDB's type."""
    return ObjectId(text)


def violates_index(error: DuplicateKeyError, index: str) -> bool:
    """Tell whether this unique index refused the write."""
    details = error.details or {}
    return f"index: {index} " in str(details.get("errmsg", ""))
