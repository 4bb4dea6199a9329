"""Tests of the time limit of operations on MongoDB: the server stops what takes too long."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import pymongo
import pytest
from beanie import Document
from pymongo import IndexModel, UpdateMany
from pymongo.asynchronous.database import AsyncDatabase

from common.persistence import mongo
from common.persistence.mongo import Doc
from common.testing.polling import TIMEOUT_SECONDS, eventually

DOCUMENTS = 2_000
SLEEP = "function() { sleep(100); return true; }"
SLOW: Doc = {"$expr": {"$function": {"body": SLEEP, "args": [], "lang": "js"}}}


class SlowDocument(Document):
    class Settings:
        name = "slow"
        indexes = [IndexModel("n")]  # noqa: RUF012 - Beanie reads it from here


@pytest.fixture
async def database(
    mongo_uri: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[AsyncDatabase[Doc]]:
    """A database with a short time limit, in which a scan with `SLOW` takes 200 s."""
    monkeypatch.setattr(mongo, "OPERATION_TIMEOUT_SECONDS", 0.5)
    async with mongo.connect(mongo_uri, [SlowDocument]) as database:
        with pymongo.timeout(TIMEOUT_SECONDS):
            await database["slow"].insert_many([{"n": 1} for _ in range(DOCUMENTS)])
        yield database


async def _aggregate(database: AsyncDatabase[Doc]) -> list[Doc]:
    return await (await database["slow"].aggregate([{"$match": SLOW}])).to_list()


async def _bulk_write(database: AsyncDatabase[Doc]) -> object:
    return await database["slow"].bulk_write([UpdateMany(SLOW, {"$set": {"n": 2}})], ordered=False)


OPERATIONS: dict[str, Callable[[AsyncDatabase[Doc]], Awaitable[Any]]] = {
    "find": lambda database: database["slow"].find(SLOW).to_list(),
    "count": lambda database: database["slow"].count_documents(SLOW),
    "aggregate": _aggregate,
    "update": lambda database: database["slow"].update_many(SLOW, {"$set": {"n": 2}}),
    "bulk write": _bulk_write,
}


@pytest.mark.parametrize("name", OPERATIONS)
async def test_slow_operation_is_stopped_at_the_server(
    database: AsyncDatabase[Doc], name: str
) -> None:
    with pytest.raises(mongo.UNAVAILABLE_ERRORS):
        await OPERATIONS[name](database)

    async def is_stopped() -> bool:
        with pymongo.timeout(TIMEOUT_SECONDS):
            running = await database.client.admin.aggregate(
                [{"$currentOp": {}}, {"$match": {"ns": f"{database.name}.slow"}}]
            )
            return await running.to_list() == []

    await eventually(is_stopped)


async def test_creation_of_indexes_has_a_time_limit_of_its_own(mongo_uri: str) -> None:
    async with mongo.connect(mongo_uri, []) as database:
        await database.command("profile", 2)

    async with mongo.connect(mongo_uri, [SlowDocument]) as database:
        await database.command("profile", 0)
        created = await database["system.profile"].find_one({"command.createIndexes": "slow"})

    assert created is not None
    assert created["command"]["maxTimeMS"] > mongo.OPERATION_TIMEOUT_SECONDS * 1000
