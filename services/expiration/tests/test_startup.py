"""Tests of the processes' first start: each waits for its stores, whichever is missing."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from pymongo import AsyncMongoClient

from common.testing.polling import TIMEOUT_SECONDS, eventually
from expiration.settings import Settings
from ticketing_local.processes.managed_process import ManagedProcess
from ticketing_local.stack import servers
from ticketing_local.stack.program import Program
from ticketing_local.stack.stored_secrets import StoredSecrets
from ticketing_local.testing.free_ports import free_port

Factory = Callable[[int, Path, StoredSecrets], Program]
Url = Callable[[int, StoredSecrets], str]
STORES: dict[str, tuple[str, Factory, Url]] = {
    "mongod": (
        "mongo_uri",
        servers.mongod,
        lambda port, secrets: servers.mongo_url_as("expiration", port, secrets, "expiration"),
    ),
    "nats": (
        "nats_url",
        lambda port, data, _: servers.nats(port, data),
        lambda port, _: servers.nats_url(port),
    ),
    "redis": (
        "redis_url",
        servers.redis,
        lambda port, secrets: f"{servers.redis_url_with_password(port, secrets)}/0",
    ),
}
APPS = ("expiration.app", "expiration.worker")


class Process:
    """A process of the service, and the status of its probes."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self._http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False)

    async def status(self, path: str) -> int:
        """Return the status of a route, or 0 while nothing listens."""
        try:
            return (await self._http.get(path)).status_code
        except httpx.TransportError:
            return 0

    async def wait_for(self, path: str, status: int) -> None:
        """Wait until a route answers with this status."""

        async def has_status() -> bool:
            return await self.status(path) == status

        await eventually(has_status)


@asynccontextmanager
async def run(app: str, settings: Settings, **changes: str) -> AsyncGenerator[Process]:
    """Run an app in a process of its own."""
    port = free_port()
    environment = {
        name.upper(): value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in settings.model_copy(update=changes)
        if value is not None
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "uvicorn", f"{app}:create_app", "--factory", f"--port={port}"),
        env={**os.environ, **environment},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Process(process, port)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.parametrize("store", STORES)
async def test_worker_waits_for_a_store_that_starts_late(
    store: str, settings: Settings, published: object, tmp_path: Path
) -> None:
    assert published
    setting, factory, url = STORES[store]
    port, secrets = free_port(), StoredSecrets(tmp_path / "secrets")
    server = ManagedProcess(factory(port, tmp_path / "data", secrets))
    async with run("expiration.worker", settings, **{setting: url(port, secrets)}) as worker:
        await worker.wait_for("/healthz", 200)
        assert await worker.status("/readyz") == 503
        try:
            await server.start_and_wait()
            await worker.wait_for("/readyz", 200)
        finally:
            server.kill()
        worker.process.kill()
        _, stderr = await worker.process.communicate()

    lines = [line for line in stderr.decode().splitlines() if "request failed" in line]
    assert not lines, lines[:3]  # a probe of a waiting process is not an error


@pytest.mark.parametrize("app", APPS)
@pytest.mark.parametrize("store", ["mongod", "nats"])
async def test_process_that_waits_stops_on_sigterm(
    app: str, store: str, settings: Settings, published: object, tmp_path: Path
) -> None:
    assert published
    setting, _, url = STORES[store]
    address = url(free_port(), StoredSecrets(tmp_path))
    async with run(app, settings, **{setting: address}) as waiting:
        await waiting.wait_for("/healthz", 200)
        waiting.process.terminate()

        await asyncio.wait_for(waiting.process.wait(), TIMEOUT_SECONDS)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("mongo_uri", "mongodb://127.0.0.1:port/expiration"),
        ("mongo_uri", "mongodb://127.0.0.1"),
        ("nats_url", "127.0.0.1"),
        ("redis_url", "127.0.0.1"),
    ],
)
async def test_malformed_address_ends_the_process_with_one_line(
    setting: str, value: str, settings: Settings
) -> None:
    async with run("expiration.worker", settings, **{setting: value}) as worker:
        _, stderr = await asyncio.wait_for(worker.process.communicate(), TIMEOUT_SECONDS)

    (line,) = stderr.decode().splitlines()
    assert line.startswith(f"settings: {setting.upper()} ")
    assert worker.process.returncode == 1


async def test_failure_that_time_can_not_heal_ends_the_process(
    settings: Settings, published: object
) -> None:
    assert published
    async with AsyncMongoClient[dict[str, Any]](settings.mongo_uri) as client:
        deadlines = client.get_default_database()["deadlines"]
        await deadlines.create_index("version", name="waiting")
        async with run("expiration.app", settings) as service:
            _, stderr = await asyncio.wait_for(service.process.communicate(), TIMEOUT_SECONDS)

    assert service.process.returncode == 1
    assert "service not started" in stderr.decode()
