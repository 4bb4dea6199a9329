"""Tests of waiting for MongoDB and NATS that start late, hang or do not know the user yet."""

import asyncio
import gc
import json
import signal
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from beanie import Document
from pymongo import AsyncMongoClient, IndexModel
from pymongo.errors import OperationFailure
from structlog.testing import capture_logs

from common import availability
from common.background import cancel
from common.messaging import bus
from common.persistence import mongo
from common.testing.polling import TIMEOUT_SECONDS, eventually
from ticketing_local.processes.managed_process import ManagedProcess
from ticketing_local.stack import servers
from ticketing_local.stack.stored_secrets import StoredSecrets
from ticketing_local.testing.free_ports import free_port

PASSWORD = "password-of-the-tests"
WAITING_SECONDS = 1.5
"""Long enough for several attempts."""


class Waiting:
    """A connection that is being opened in a task."""

    def __init__(self, connection: AbstractAsyncContextManager[object]) -> None:
        self._connection = connection
        self._stack = AsyncExitStack()

    @asynccontextmanager
    async def open(self) -> AsyncGenerator["Waiting"]:
        """Open the connection in a task inside the context."""
        with capture_logs() as self.logs:
            async with self._stack:
                self.task = asyncio.create_task(self._stack.enter_async_context(self._connection))
                try:
                    yield self
                finally:
                    await cancel(self.task)

    @property
    def reasons(self) -> list[str]:
        """The logged reasons."""
        return [entry["reason"] for entry in self.logs if entry["event"] == "waiting"]

    async def reason(self, text: str) -> str:
        """Wait until a reason that contains this text is logged, and return it."""

        async def find() -> str:
            return next((reason for reason in self.reasons if text in reason), "")

        return await eventually(find)


def connect_to_mongo(port: int, secrets: StoredSecrets) -> Waiting:
    password = secrets.read("mongo-tickets")
    return Waiting(
        mongo.connect(servers.mongo_url(port, "tickets"), [], username="tickets", password=password)
    )


def connect_to_nats(port: int, _: StoredSecrets) -> Waiting:
    return Waiting(bus.connect(servers.nats_url(port), "tickets"))


class IndexedThing(Document):
    class Settings:
        name = "things"
        indexes = [IndexModel("name", name="name")]  # noqa: RUF012 - Beanie reads it from here


CONNECT = {"mongod": connect_to_mongo, "nats": connect_to_nats}
each_store = pytest.mark.parametrize("store", CONNECT)


@pytest.fixture
def secrets(tmp_path: Path) -> StoredSecrets:
    """The secrets of the servers of this test."""
    return StoredSecrets(tmp_path / "secrets")


@pytest.fixture
def mongod(tmp_path: Path, secrets: StoredSecrets) -> Generator[ManagedProcess]:
    """A MongoDB server that does not run yet."""
    process = ManagedProcess(servers.mongod(free_port(), tmp_path / "mongo", secrets))
    yield process
    process.kill()


@pytest.fixture
def nats(tmp_path: Path) -> Generator[ManagedProcess]:
    """A NATS server that does not run yet."""
    process = ManagedProcess(servers.nats(free_port(), tmp_path / "nats"))
    yield process
    process.kill()


@pytest.fixture(params=CONNECT)
def server(request: pytest.FixtureRequest) -> ManagedProcess:
    """A server that does not run yet."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def connect(server: ManagedProcess, secrets: StoredSecrets) -> Waiting:
    """A connection to the server."""
    assert server.program.port
    return CONNECT[server.name](server.program.port, secrets)


async def test_connection_to_a_server_that_starts_late_is_opened(
    server: ManagedProcess, connect: Waiting
) -> None:
    async with connect.open() as waiting:
        await waiting.reason("")

        await server.start_and_wait()

        await asyncio.wait_for(waiting.task, TIMEOUT_SECONDS)


async def test_connection_to_a_frozen_server_is_opened_when_it_resumes(
    server: ManagedProcess, connect: Waiting
) -> None:
    await server.start_and_wait()
    server.pause()
    async with connect.open() as waiting:
        await waiting.reason("")
        assert not waiting.task.done()

        server.resume()

        await asyncio.wait_for(waiting.task, TIMEOUT_SECONDS)


@each_store
async def test_waiting_for_a_refusing_port_logs_one_line(
    store: str, secrets: StoredSecrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(availability, "RETRY_DELAY_SECONDS", 0.05)
    monkeypatch.setattr(mongo, "OPERATION_TIMEOUT_SECONDS", 0.5)
    async with CONNECT[store](free_port(), secrets).open() as waiting:
        await waiting.reason("")
        await asyncio.sleep(WAITING_SECONDS)

        assert len(waiting.reasons) == 1


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
@each_store
async def test_waiting_for_a_black_hole_can_be_cancelled(
    store: str, secrets: StoredSecrets
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0), backlog=0)) as listener:
        address = listener.getsockname()
        with closing(socket.create_connection(address)):  # fills the backlog
            async with CONNECT[store](address[1], secrets).open() as waiting:
                await waiting.reason("")
                async with asyncio.timeout(TIMEOUT_SECONDS):
                    await cancel(waiting.task)
    gc.collect()  # PyMongo does not close the socket of a cancelled connection


async def test_waiting_for_an_unresolvable_name_logs_the_reason() -> None:
    mongo_uri = "mongodb://no-such-host.invalid/tickets?replicaSet=rs0"
    nats_url = "nats://no-such-host.invalid:4222"
    for connection in (mongo.connect(mongo_uri, []), bus.connect(nats_url, "tickets")):
        async with Waiting(connection).open() as waiting:
            assert "ame" in await waiting.reason("")  # "Name or service not known", by platform


async def test_mongo_that_does_not_know_the_user_yet_is_awaited(
    mongod: ManagedProcess, secrets: StoredSecrets
) -> None:
    assert mongod.program.port
    host = f"127.0.0.1:{mongod.program.port}"
    mongod.start()
    async with (
        AsyncMongoClient[dict[str, Any]](host, directConnection=True) as anonymous,
        connect_to_mongo(mongod.program.port, secrets).open() as waiting,
    ):
        members = [{"_id": 0, "host": host}]
        await anonymous.admin.command("replSetInitiate", {"_id": "rs0", "members": members})
        await waiting.reason("Authentication failed")

        await asyncio.to_thread(mongod.wait_ready)  # creates the users

        await asyncio.wait_for(waiting.task, TIMEOUT_SECONDS)


async def test_nats_that_does_not_know_the_user_yet_is_awaited(
    nats: ManagedProcess, tmp_path: Path
) -> None:
    assert nats.program.port
    config = tmp_path / "nats" / "nats.conf"
    settings = config.read_text()

    def write_users(*users: str) -> None:
        known = [{"user": user, "password": PASSWORD} for user in users]
        config.write_text(f"{settings}authorization: {json.dumps({'users': known})}\n")

    write_users("somebody")
    url = f"nats://tickets:{PASSWORD}@127.0.0.1:{nats.program.port}"
    nats.start()
    async with Waiting(bus.connect(url, "tickets")).open() as waiting:
        await waiting.reason("Authorization")

        write_users("somebody", "tickets")
        nats.send_signal(signal.SIGHUP)

        connected = await asyncio.wait_for(waiting.task, TIMEOUT_SECONDS)
        assert isinstance(connected, bus.Bus)
        assert connected.healthy


async def test_mongo_with_a_conflicting_index_is_not_awaited(mongo_uri: str) -> None:
    async with AsyncMongoClient[dict[str, Any]](mongo_uri) as client:
        things = client.get_default_database()["things"]
        await things.create_index("name", name="name", unique=True)

    with pytest.raises(OperationFailure, match="name"):
        async with mongo.connect(mongo_uri, [IndexedThing]):
            pass
