"""A state that may still be rolled back causes no response and no acknowledged event."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from beanie import Document
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import WriteConcernError

from common.change import Change
from common.persistence import mongo
from common.persistence.mongo import UNAVAILABLE_ERRORS, Doc
from common.persistence.replica import Replica
from common.persistence.store import Store
from common.testing.polling import eventually
from common.values.ids import new_id
from ticketing_local.stack import mongo_set_up, servers
from ticketing_local.stack.program import Program
from ticketing_local.stack.stored_secrets import StoredSecrets
from ticketing_local.testing.temporary_server import TemporaryServer


def _mongod(port: int, data: Path, secrets: StoredSecrets) -> Program:
    program = servers.mongod(port, data, secrets, cache_gigabytes=0.25)
    return replace(program, command=(*program.command, "--setParameter", "enableTestCommands=1"))


@pytest.fixture(scope="module")
def mongo_url() -> Iterator[str]:
    """Start a MongoDB with fail points, to whose state its clients react within half a second."""
    with TemporaryServer(_mongod) as server:
        url = servers.mongo_url_as(mongo_set_up.ADMIN, server.port, server.secrets)
        yield f"{url}&heartbeatFrequencyMS=500"


@asynccontextmanager
async def _journal_paused(database: AsyncDatabase[Doc]) -> AsyncGenerator[None]:
    fail_point = {"configureFailPoint": "pauseJournalFlusherBeforeFlush"}
    await database.client.admin.command({**fail_point, "mode": "alwaysOn"})
    try:
        yield
    finally:
        await database.client.admin.command({**fail_point, "mode": "off"})


@pytest.mark.parametrize("verb", ["update", "update_batched"])
async def test_update_without_change_waits_for_majority(
    verb: str,
    things: Store[Any],
    database: AsyncDatabase[Doc],
    new_thing: Callable[[str], Change[Any]],
) -> None:
    thing = await things.add(new_thing("a"))

    def renamed(thing: Any) -> Change[Any]:
        return Change(thing) if thing.name == "b" else thing.renamed("b")

    async with _journal_paused(database):
        first = asyncio.create_task(things.update(thing.id, renamed))

        async def seen() -> bool:
            return (await things.get(thing.id)).name == "b"

        await eventually(seen)
        again = asyncio.create_task(getattr(things, verb)(thing.id, renamed))
        finished, _ = await asyncio.wait({first, again}, timeout=0.5)
    assert not finished
    assert (await first).version == (await again).version == 1


class Copy(Document):
    class Settings:
        name = "copies"


NOT_REPLICATED: Doc = {
    "writeConcernError": {"code": 91, "errmsg": "Replication is being shut down"}
}
"""What a write gets while MongoDB shuts down."""


@asynccontextmanager
async def _failing(
    database: AsyncDatabase[Doc], commands: list[str], failure: Doc, mode: str | Doc = "alwaysOn"
) -> AsyncGenerator[None]:
    """Make commands fail."""
    fail_point = {"configureFailPoint": "failCommand"}
    data = {"failCommands": commands, **failure}
    await database.client.admin.command({**fail_point, "mode": mode, "data": data})
    try:
        yield
    finally:
        await database.client.admin.command({**fail_point, "mode": "off"})


async def test_writes_during_mongodb_shutdown_raise_unavailable(
    mongo_uri: str,
    things: Store[Any],
    database: AsyncDatabase[Doc],
    new_thing: Callable[[str], Change[Any]],
) -> None:
    one, other = [await things.add(new_thing("a")) for _ in range(2)]

    async with (
        mongo.connect(mongo_uri, [Copy]),
        _failing(database, ["insert", "update"], NOT_REPLICATED),
    ):
        outcomes = await asyncio.gather(
            things.add(new_thing("a")),
            things.update(one.id, lambda thing: thing.renamed("b")),
            things.update_batched(other.id, lambda thing: thing.renamed("b")),
            Replica(Copy).upsert(new_id(), 0, {}),
            return_exceptions=True,
        )

    assert [
        type(outcome) for outcome in outcomes if not isinstance(outcome, UNAVAILABLE_ERRORS)
    ] == []


@pytest.mark.parametrize(
    "failure",
    [{"closeConnection": True}, {"errorCode": 189}, {"errorCode": 11602}, NOT_REPLICATED],
    ids=["connection lost", "no longer primary", "interrupted", "not replicated"],
)
async def test_update_batched_during_failover_is_written_once(
    things: Store[Any],
    database: AsyncDatabase[Doc],
    new_thing: Callable[[str], Change[Any]],
    failure: Doc,
) -> None:
    added = [await things.add(new_thing("a")) for _ in range(3)]

    def renamed(thing: Any) -> Change[Any]:
        return Change(thing) if thing.name == "b" else thing.renamed("b")

    async with _failing(database, ["update"], failure, {"times": 1}):
        after = await asyncio.gather(*(things.update_batched(thing.id, renamed) for thing in added))

    assert [(thing.name, thing.version) for thing in after] == [("b", 1)] * 3


async def test_update_batched_that_times_out_is_not_repeated(
    things: Store[Any], database: AsyncDatabase[Doc], new_thing: Callable[[str], Change[Any]]
) -> None:
    thing = await things.add(new_thing("a"))
    timeout = {"writeConcernError": {"code": 50, "errmsg": "operation exceeded time limit"}}

    async with _failing(database, ["update"], timeout, {"times": 1}):
        with pytest.raises(WriteConcernError):
            await things.update_batched(thing.id, lambda thing: thing.renamed("b"))
