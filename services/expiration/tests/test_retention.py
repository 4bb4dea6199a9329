"""Tests of how long a deadline that is over stays stored."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from common.persistence import mongo
from common.persistence.mongo import Doc, object_id
from common.testing.polling import eventually
from common.values.clock import utc_now
from common.values.ids import new_id
from expiration.store import RETENTION, DeadlineDocument
from ticketing_local.processes.managed_process import ManagedProcess
from ticketing_local.stack import mongo_set_up, servers
from ticketing_local.stack.stored_secrets import StoredSecrets
from ticketing_local.testing.free_ports import free_port

HOUR = timedelta(hours=1)


@pytest.fixture
async def mongo_uri(tmp_path: Path) -> AsyncGenerator[str]:
    """Start a MongoDB that looks every second for what it removes, instead of every minute."""
    secrets = StoredSecrets(tmp_path / "secrets")
    program = servers.mongod(port := free_port(), tmp_path / "mongo", secrets)
    often = ("--setParameter", "ttlMonitorSleepSecs=1")
    process = ManagedProcess(replace(program, command=(*program.command, *often)))
    try:
        await process.start_and_wait()
        yield servers.mongo_url_as(mongo_set_up.ADMIN, port, secrets, "expiration")
    finally:
        process.kill()


def deadline(status: str, expires_at: datetime, *, outbox: list[Doc] | None = None) -> Doc:
    return {
        "_id": object_id(new_id()),
        "version": 1,
        "expires_at": expires_at,
        "status": status,
        "order_version": 1,
        "belongs": {},
        "outbox": outbox or [],
    }


async def test_deadlines_that_are_over_are_removed_after_a_month(
    mongo_uri: str,
) -> None:
    old, recent = utc_now() - RETENTION - HOUR, utc_now() - RETENTION + HOUR
    removed = [deadline("cleared", old), deadline("fired", old)]
    unpublished = {"id": "expiration.completed:1", "at": old}
    kept = [
        deadline("cleared", recent),
        deadline("fired", recent),
        deadline("fired", old, outbox=[unpublished]),
        deadline("waiting", old),
    ]
    async with mongo.connect(mongo_uri, [DeadlineDocument]) as database:
        rows = database["deadlines"]
        await rows.insert_many([*removed, *kept])
        published = {"_id": kept[2]["_id"]}

        async def count_passes() -> int:
            status = await database.client.admin.command("serverStatus")
            return status["metrics"]["ttl"]["passes"]

        async def remaining() -> set[Any]:
            return {row["_id"] async for row in rows.find({}, {"_id": 1})}

        async def are_removed() -> bool:
            return not await remaining() & {row["_id"] for row in removed}

        await eventually(are_removed)
        passes = await count_passes()

        async def has_passed_again() -> bool:
            return await count_passes() >= passes + 2  # the present one may have begun before

        await eventually(has_passed_again)
        assert await remaining() == {row["_id"] for row in kept}
        await rows.update_one(published, {"$set": {"outbox": []}})

        async def is_removed() -> bool:
            return not await rows.count_documents(published)

        await eventually(is_removed)
