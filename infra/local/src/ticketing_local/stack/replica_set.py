"""The replica set of a single mongod."""

from collections.abc import Callable
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

NAME = "rs0"
NOT_YET_INITIALIZED = 94


def is_primary(port: int) -> Callable[[], bool]:
    """Return a check whether mongod accepts writes. The check initiates the set if needed."""

    def is_ready() -> bool:
        client = MongoClient[dict[str, Any]](
            "127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=500
        )
        with client:
            try:
                if client.admin.command("hello")["isWritablePrimary"]:
                    return True
                _ensure_initiated(client, f"127.0.0.1:{port}")
            except PyMongoError:
                return False
            return False

    return is_ready


def _ensure_initiated(client: MongoClient[dict[str, Any]], host: str) -> None:
    member = {"_id": 0, "host": host}
    try:
        config = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as failure:
        if failure.code != NOT_YET_INITIALIZED:
            raise
        client.admin.command("replSetInitiate", {"_id": NAME, "members": [member]})
        return
    if config["members"][0]["host"] != host:  # existing data, started on another port
        reconfigured = config | {"members": [config["members"][0] | member]}
        reconfigured["version"] += 1
        client.admin.command("replSetReconfig", reconfigured, force=True)
