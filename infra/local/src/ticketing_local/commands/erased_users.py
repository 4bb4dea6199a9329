"""The ids of deleted users, which a restore copies from the present data into the backup's.

Otherwise a backup would bring back who was deleted since it was taken. auth erases these users
again when it next runs (`auth.deletion`).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from bson import ObjectId
from pymongo import MongoClient, UpdateOne

from ticketing_local.errors import CliError
from ticketing_local.processes.managed_process import ManagedProcess
from ticketing_local.stack import mongo_set_up, ports, servers
from ticketing_local.stack.paths import Home
from ticketing_local.stack.plan import plan
from ticketing_local.stack.stored_secrets import StoredSecrets

DATABASE: Final = "auth"
COLLECTION: Final = "erased_users"


def read(home: Home, environ: Mapping[str, str]) -> list[ObjectId]:
    """Return the ids in the data of a stopped stack, whose MongoDB is started for that.

    Raises:
        CliError: they cannot be read.
    """
    if not (home.data / "mongo").exists():
        return []
    free = {**environ, **ports.choose_free_ports({}), "CLIENT": "off"}
    programs = {program.name: program for program in plan(home, free).programs}
    try:
        with ManagedProcess(programs["mongod"], home.logs / "mongod.log"):
            url = servers.mongo_url_as(
                mongo_set_up.ADMIN, ports.resolve_ports(free)["mongod"], StoredSecrets(home.secrets)
            )
            with MongoClient[dict[str, Any]](url) as client:
                return [doc["_id"] for doc in client[DATABASE][COLLECTION].find({}, {"_id": 1})]
    except CliError as error:
        raise CliError(
            f"The ids of deleted users cannot be read from {home.data}, so the backup could bring "
            f"them back. If that data is lost, move it away and delete these users again. {error}"
        ) from error


def add(mongo_url: str, ids: Sequence[ObjectId]) -> None:
    """Add ids to the data of running stores, so that auth erases these users, again if need be."""
    if not ids:
        return
    record: dict[str, Any] = {
        "version": 0,
        "erased_at": datetime.now(UTC),
        "requested_by": "restore",
        "outbox": [],
        "history": [],
    }
    update = {"$set": {"is_complete": False}, "$setOnInsert": record}
    updates = [UpdateOne({"_id": _id}, update, upsert=True) for _id in ids]
    with MongoClient[dict[str, Any]](mongo_url, w="majority", journal=True) as client:
        client[DATABASE][COLLECTION].bulk_write(updates, ordered=False)
