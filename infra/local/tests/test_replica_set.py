from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymongo

from ticketing_local.processes.managed_process import ManagedProcess
from ticketing_local.stack import mongo_set_up, servers
from ticketing_local.stack.stored_secrets import StoredSecrets
from ticketing_local.testing.free_ports import free_port


@contextmanager
def connect_to_mongod(data: Path) -> Generator[pymongo.MongoClient[dict[str, Any]]]:
    port, secrets = free_port(), StoredSecrets(data / "secrets")
    url = servers.mongo_url_as(mongo_set_up.ADMIN, port, secrets)
    with (
        ManagedProcess(servers.mongod(port, data / "mongo", secrets, cache_gigabytes=0.25)),
        pymongo.MongoClient[dict[str, Any]](url) as client,
    ):
        yield client


def test_data_survives_restart_on_another_port(tmp_path: Path) -> None:
    with connect_to_mongod(tmp_path) as client:
        client.kept.things.insert_one({"_id": "here"})
    with connect_to_mongod(tmp_path) as client:
        assert client.kept.things.find_one() == {"_id": "here"}
        client.kept.things.insert_one({"_id": "and writable"})
