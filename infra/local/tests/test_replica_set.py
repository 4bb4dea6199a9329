import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymongo

from ticketing_local.stack import servers
from ticketing_local.testing.temporary_server import free_port
from ticketing_local.testing.tiny_stack import eventually


@contextmanager
def mongod(data: Path) -> Generator[str]:
    port = free_port()
    program = servers.mongod(port, data, cache_gigabytes=0.25)
    process = subprocess.Popen(program.argv, stdout=subprocess.DEVNULL)
    try:
        eventually(program.is_ready)
        yield servers.mongo_url(port)
    finally:
        process.terminate()
        process.wait(30)


def test_data_survives_restart_on_another_port(tmp_path: Path) -> None:
    with mongod(tmp_path) as url, pymongo.MongoClient[dict[str, Any]](url) as client:
        client.kept.things.insert_one({"_id": "here"})
    with mongod(tmp_path) as url, pymongo.MongoClient[dict[str, Any]](url) as client:
        assert client.kept.things.find_one() == {"_id": "here"}
        client.kept.things.insert_one({"_id": "and writable"})
