import subprocess
import sys
from pathlib import Path
from typing import Any

import nats
import pymongo
import redis as redis_client

from ticketing_local.stack import readiness
from ticketing_local.stack.paths import ROOT
from ticketing_local.testing.polling import wait_until


def test_mongo_takes_majority_writes(mongo_url: str) -> None:
    with pymongo.MongoClient[dict[str, Any]](mongo_url, w="majority") as client:
        client.fixture.things.insert_one({"_id": 1})
        with client.start_session() as session, session.start_transaction():
            assert client.fixture.things.find_one({"_id": 1}, session=session) == {"_id": 1}
        client.drop_database("fixture")


def test_redis_has_a_database_per_test(redis_url: str) -> None:
    with redis_client.Redis.from_url(f"{redis_url}/1023") as client:
        assert client.set("a", "b")
        assert client.flushdb()


async def test_nats_has_jetstream(nats_url: str) -> None:
    connection = await nats.connect(nats_url)
    try:
        limits = (await connection.jetstream().account_info()).limits
    finally:
        await connection.close()
    assert limits.max_streams == -1, "streams must be unlimited"


def test_servers_stop_when_pytest_is_killed(tmp_path: Path) -> None:
    (tmp_path / "test_killed.py").write_text(
        "import os, signal\n"
        "def test_killed(redis_url):\n"
        "    print(redis_url, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-s", "-q", "-c", "/dev/null", tmp_path),
            *("-p", "ticketing_local.testing.pytest_plugin"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    address = next(word for word in run.stdout.split() if word.startswith("redis://"))
    port = int(address.rpartition(":")[2])
    wait_until(lambda: not readiness.redis_responds(port)())
