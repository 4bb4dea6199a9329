"""The replica set of a single mongod."""

from collections.abc import Callable
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

NAME = "rs0"


def is_primary(port: int) -> Callable[[], bool]:
    """Return a check whether mongod accepts writes. `hello` needs no authentication."""

    def is_ready() -> bool:
        client = MongoClient[dict[str, Any]](
            "127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=500
        )
        with client:
            try:
                return bool(client.admin.command("hello")["isWritablePrimary"])
            except PyMongoError:
                return False

    return is_ready
