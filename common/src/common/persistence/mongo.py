"""MongoDB: the client, batched reads and inserts, and errors.

An aggregate is one document with a `version` and an `outbox`. `common.persistence.store` writes it.
"""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, cast

import pymongo
from beanie import (
    Document,
    init_beanie,  # pyright: ignore[reportUnknownVariableType] - typed in part
)
from bson import ObjectId
from pymongo import ASCENDING, AsyncMongoClient, IndexModel, WriteConcern
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    DuplicateKeyError,
    ExecutionTimeout,
    OperationFailure,
    WaitQueueTimeoutError,
    WriteConcernError,
    WriteError,
)

from common.availability import wait_until_available

Doc = dict[str, Any]
Collection = AsyncCollection[Doc]

UNAVAILABLE_ERRORS: Final = (
    AutoReconnect,
    ExecutionTimeout,
    WaitQueueTimeoutError,
    WriteConcernError,
)
"""MongoDB cannot be reached, takes too long, or is shutting down."""
OPERATION_TIMEOUT_SECONDS: Final = 5.0
"""How long an operation may take, with the wait for a server and a connection, and with retries.
PyMongo sends what is left of it as `maxTimeMS`, so the server stops what the caller gave up."""
INDEX_BUILD_TIMEOUT_SECONDS: Final = 3_600.0
UNJOURNALED: Final = WriteConcern(w=1, j=False)
"""For writes that a crash may lose without harm."""
STATE_PROJECTION: Final[Doc] = {"outbox": 0, "history": 0, "sealed": 0}
"""Without what is no part of an aggregate's state; `sealed` is an encrypted file beside it."""
ITERATION_BATCH_SIZE: Final = 1_000
_DUPLICATE_KEY: Final = 11000
_INDEX_NOT_FOUND: Final = 27
_TIMEOUTS: Final = (50, 64)
"""The codes of MaxTimeMSExpired and WriteConcernTimeout."""
_USERS_MISSING: Final = (13, 18)
"""The codes of Unauthorized and AuthenticationFailed."""
_ATTEMPT_DETAILS: Final = re.compile(
    r" \(configured timeouts: [^)]*\)|, (Timeout|full error): .*", re.DOTALL
)
"""The parts of an error's text that change with every attempt, or name our own timeouts."""


class AggregateDocument(Document):
    """A collection of aggregates, with the outbox index among its indexes.

    Beanie reads only `Settings` (collection name, indexes); the stores convert the documents.
    """


OUTBOX_INDEX: Final = IndexModel(
    [("outbox.at", ASCENDING)],
    name="outbox",
    partialFilterExpression={"outbox.0": {"$exists": True}},
)
"""Contains only documents with unpublished events; the outbox sweep reads it."""


def collection_of(document: type[Document]) -> Collection:
    """Return the collection of a document, for the conditional writes that Beanie lacks."""
    return cast(Collection, document.get_pymongo_collection())


@asynccontextmanager
async def connect(
    uri: str, documents: Sequence[type[Document]], *, username: str = "", password: str = ""
) -> AsyncGenerator[AsyncDatabase[Doc]]:
    """Open the service's database with majority writes and a time limit, and create the indexes.

    Waits until MongoDB has a primary and accepts the credentials.

    Args:
        uri: the address and the database.
        documents: the collections.
        username: the user to authenticate as.
        password: its password. Without one, the URI alone decides.
    """
    credentials: Doc = {"username": username, "password": password, "authSource": "admin"}
    client: AsyncMongoClient[Doc] = AsyncMongoClient(
        uri,
        **(credentials if password else {}),
        w="majority",
        journal=True,
        tz_aware=True,
        retryWrites=True,
        connectTimeoutMS=3_000,
        timeoutMS=int(OPERATION_TIMEOUT_SECONDS * 1000),
        maxPoolSize=64,
    )
    try:
        database = client.get_default_database()
        await wait_until_available(
            "MongoDB",
            lambda: _create_indexes(database, documents),
            unavailability_reason,
        )
        yield database
    finally:
        await client.close()


async def _create_indexes(
    database: AsyncDatabase[Doc], documents: Sequence[type[Document]]
) -> None:
    await database.command("ping")  # the limit below would also be that of the wait for a server
    with pymongo.timeout(INDEX_BUILD_TIMEOUT_SECONDS):
        await init_beanie(database, document_models=list(documents), skip_indexes=True)
        for document in documents:
            # Not by Beanie, which creates only the last one of several indexes on the same fields.
            if indexes := document.get_settings().indexes:
                await collection_of(document).create_indexes([each.index for each in indexes])


async def drop_index_if_present(collection: Collection, name: str) -> None:
    """Drop an index of an earlier version, which other replicas may do at the same time."""
    if name not in await collection.index_information():
        return
    try:
        await collection.drop_index(name)
    except OperationFailure as error:
        if error.code != _INDEX_NOT_FOUND:  # another replica was faster
            raise


def unavailability_reason(error: Exception) -> str | None:
    """Return why MongoDB is not available yet, or None if waiting would not help."""
    if isinstance(error, OperationFailure) and error.code in _USERS_MISSING:
        return str((error.details or {}).get("errmsg"))
    if isinstance(error, UNAVAILABLE_ERRORS):
        return _ATTEMPT_DETAILS.sub("", str(error))
    return None


def fails_over(error: AutoReconnect | WriteConcernError) -> bool:
    """Return whether a command met a failover, so that another primary may take it soon.

    After a timeout, a second attempt would double the time that the caller waits.
    """
    return not error.timeout and getattr(error, "code", None) not in _TIMEOUTS


@contextmanager
def raise_write_concern_errors() -> Generator[None]:
    """Raise `WriteConcernError` if a majority did not acknowledge a write of a bulk operation.

    Such a write may be rolled back. A MongoDB that shuts down answers so to all running writes.

    Raises:
        WriteConcernError: a majority did not acknowledge a write.
        BulkWriteError: some writes failed for other reasons.
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
    """Return a function that reads documents by their ids in one query."""

    async def find(ids: Sequence[ObjectId]) -> Sequence[Doc | None]:
        docs = collection.find({"_id": {"$in": list(set(ids))}}, STATE_PROJECTION)
        found = {doc["_id"]: doc async for doc in docs}
        return [found.get(_id) for _id in ids]

    return find


def batch_insert(
    collection: Collection,
) -> Callable[[Sequence[Doc]], Awaitable[Sequence[Exception | None]]]:
    """Return a function that inserts documents in one command, with an error per document."""

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


async def iter_documents(collection: Collection) -> AsyncGenerator[Doc]:
    """Yield every document, from queries that are each within the time of one operation."""
    remaining: Doc = {}
    while docs := (
        await collection.find(remaining, STATE_PROJECTION)
        .sort("_id", ASCENDING)
        .limit(ITERATION_BATCH_SIZE)
        .to_list()
    ):
        for doc in docs:
            yield doc
        remaining = {"_id": {"$gt": docs[-1]["_id"]}}


def _write_error(write_error: Mapping[str, Any]) -> Exception:
    if write_error["code"] == _DUPLICATE_KEY:
        return DuplicateKeyError(write_error["errmsg"], write_error["code"], write_error)
    return WriteError(write_error["errmsg"], write_error["code"], write_error)


def object_id(text: str) -> ObjectId:
    """Convert an id to MongoDB's type."""
    return ObjectId(text)


def violates_index(error: DuplicateKeyError, index: str) -> bool:
    """Return whether this unique index rejected the write."""
    details = error.details or {}
    return f"index: {index} " in str(details.get("errmsg", ""))


def count_connections(collection: Collection) -> tuple[int, int]:
    """Return how many connections of the client are in use, and how many are idle.

    PyMongo offers only a listener, which would cost every operation.
    """
    client = cast(Any, collection.database.client)
    servers = client._topology._servers.values()  # noqa: SLF001
    in_use = sum(server.pool.active_sockets for server in servers)
    return in_use, sum(len(server.pool.conns) for server in servers)
