"""A backup is of one moment, although MongoDB does not retain what is overwritten."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest
from bson import decode_file_iter
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from ticketing_local import backup_format
from ticketing_local.commands.backup import MAX_SECONDS, retain_history
from ticketing_local.stack import servers
from ticketing_local.stack.mongo_set_up import ADMIN, OPERATOR
from ticketing_local.testing.temporary_server import TemporaryServer

Client = MongoClient[dict[str, Any]]
SNAPSHOT_TOO_OLD = 239
WINDOW = "minSnapshotHistoryWindowInSeconds"


@pytest.fixture(scope="module")
def server() -> Iterator[TemporaryServer]:
    """A server with the settings of `make start`."""
    with TemporaryServer(
        lambda port, data, secrets: servers.mongod(port, data, secrets, cache_gigabytes=0.25)
    ) as running:
        yield running


@pytest.fixture
def admin(server: TemporaryServer) -> Iterator[Client]:
    with Client(servers.mongo_url_as(ADMIN, server.port, server.secrets), w="majority") as client:
        client.auth.things.replace_one({"_id": 1}, {"state": "before"}, upsert=True)
        client.orders.things.replace_one({"_id": 1}, {"state": "before"}, upsert=True)
        yield client


def retained_seconds(admin: Client) -> int:
    return admin.admin.command({"getParameter": 1, WINDOW: 1})[WINDOW]


def dump_while_overwritten(server: TemporaryServer, admin: Client, folder: Path) -> None:
    """Dump two databases, and overwrite the second one after the first one was read."""

    def databases() -> Iterator[str]:
        yield "auth"
        for n in range(3):  # each write ends the history before the one before it
            admin.orders.things.update_one({"_id": 1}, {"$set": {"state": f"after {n}"}})
        yield "orders"

    url = servers.mongo_url_as(OPERATOR, server.port, server.secrets)
    backup_format.dump_databases(url, databases(), folder)


def test_backup_does_not_contain_what_was_written_meanwhile(
    server: TemporaryServer, admin: Client, tmp_path: Path
) -> None:
    with retain_history(servers.mongo_url_as(ADMIN, server.port, server.secrets)):
        dump_while_overwritten(server, admin, tmp_path)

    with gzip.open(tmp_path / "orders" / "things.bson.gz") as file:
        dumped = list(decode_file_iter(cast(BinaryIO, file)))
    assert dumped == [{"_id": 1, "state": "before"}]


def test_dump_without_history_fails_instead_of_mixing_moments(
    server: TemporaryServer, admin: Client, tmp_path: Path
) -> None:
    with pytest.raises(OperationFailure) as failed:
        dump_while_overwritten(server, admin, tmp_path)
    assert failed.value.code == SNAPSHOT_TOO_OLD


def test_history_is_retained_only_during_a_backup(server: TemporaryServer, admin: Client) -> None:
    backup = retain_history(servers.mongo_url_as(ADMIN, server.port, server.secrets))

    def fail() -> None:
        with backup:
            assert retained_seconds(admin) == MAX_SECONDS
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert retained_seconds(admin) == servers.SNAPSHOT_HISTORY_SECONDS
