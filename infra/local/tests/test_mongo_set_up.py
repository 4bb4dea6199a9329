"""The set-up of MongoDB: repeatable, and possible on data of a server without users."""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from ticketing_local.errors import CliError
from ticketing_local.processes.managed_process import ManagedProcess
from ticketing_local.stack import mongo_set_up, servers
from ticketing_local.stack.mongo_set_up import ADMIN
from ticketing_local.stack.program import Program
from ticketing_local.stack.stored_secrets import StoredSecrets
from ticketing_local.testing.free_ports import free_port
from ticketing_local.testing.temporary_server import TemporaryServer

Client = MongoClient[dict[str, Any]]


def small_mongod(port: int, data: Path, secrets: StoredSecrets) -> Program:
    return servers.mongod(port, data, secrets, cache_gigabytes=0.25)


@pytest.fixture(scope="module")
def server() -> Iterator[TemporaryServer]:
    """A server whose passwords a test may change."""
    with TemporaryServer(small_mongod) as running:
        yield running


@contextmanager
def connected_as(user: str, server: TemporaryServer) -> Generator[Client]:
    with Client(servers.mongo_url_as(user, server.port, server.secrets)) as client:
        yield client


def test_repeated_set_up_keeps_users_and_data(server: TemporaryServer) -> None:
    with connected_as("orders", server) as client:
        client.orders.things.insert_one({"_id": "kept"})

        assert mongo_set_up.set_up(server.port, server.secrets)()

        assert client.orders.things.find_one() == {"_id": "kept"}


def test_set_up_applies_a_changed_password(server: TemporaryServer) -> None:
    former = server.secrets.read("mongo-tickets")
    (server.secrets.folder / "mongo-tickets").write_text("changed")

    assert mongo_set_up.set_up(server.port, server.secrets)()

    with connected_as("tickets", server) as client:
        assert client.tickets.things.find_one() is None
    url = servers.mongo_url_as("tickets", server.port, server.secrets).replace("changed", former)
    with Client(url) as client, pytest.raises(OperationFailure, match="Authentication failed"):
        client.tickets.things.find_one()


def test_set_up_removes_additional_roles(server: TemporaryServer) -> None:
    with connected_as(ADMIN, server) as admin:
        admin.admin.command("grantRolesToUser", "orders", roles=["root"])

        assert mongo_set_up.set_up(server.port, server.secrets)()

        (user,) = admin.admin.command("usersInfo", "orders")["users"]
        assert user["roles"] == [{"role": "readWrite", "db": "orders"}]


def test_foreign_admin_password_names_its_file(server: TemporaryServer, tmp_path: Path) -> None:
    with pytest.raises(CliError, match="mongo-admin"):
        mongo_set_up.set_up(server.port, StoredSecrets(tmp_path))()


def test_data_of_a_server_without_users_is_kept(tmp_path: Path) -> None:
    port, secrets = free_port(), StoredSecrets(tmp_path / "secrets")
    program = small_mongod(port, tmp_path / "data", secrets)
    with ManagedProcess(without_authentication(program, port)), Client(mongo_url(port)) as client:
        client.orders.things.insert_one({"_id": "kept"})

    with ManagedProcess(program):
        with Client(servers.mongo_url_as("orders", port, secrets)) as client:
            assert client.orders.things.find_one() == {"_id": "kept"}
        with Client(mongo_url(port)) as client, pytest.raises(OperationFailure):
            client.orders.things.find_one()


mongo_url: Callable[[int], str] = servers.mongo_url


def without_authentication(program: Program, port: int) -> Program:
    """Return the program as it was before it had users."""

    def initiate() -> bool:
        member = {"_id": 0, "host": f"127.0.0.1:{port}"}
        with Client("127.0.0.1", port, directConnection=True) as client:
            if "setName" not in client.admin.command("hello"):
                client.admin.command("replSetInitiate", {"_id": "rs0", "members": [member]})
        return True

    place = program.command.index("--keyFile")
    command = (*program.command[:place], *program.command[place + 2 :])
    return replace(program, command=command, set_up=initiate)


def test_no_password_is_an_argument_of_a_server(tmp_path: Path) -> None:
    secrets = StoredSecrets(tmp_path / "secrets")
    programs = [
        servers.mongod(1, tmp_path / "mongo", secrets),
        servers.redis(1, tmp_path / "redis", secrets),
    ]

    stored = {file.read_text() for file in (tmp_path / "secrets").iterdir()}

    assert stored
    for program in programs:
        assert not [text for text in stored for part in program.argv if text.strip() in part]
