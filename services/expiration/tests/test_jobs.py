"""Tests of timers and sweeper: whatever fails, every order expires once and not early."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from arq.worker import Retry
from prometheus_client import REGISTRY
from pydantic import SecretStr
from redis.asyncio import Redis
from structlog.testing import capture_logs

from common.events import ExpirationCompleted, OrderStatus
from common.testing.client import Client
from common.testing.clock import FakeClock
from common.testing.events import EventProbe
from common.testing.polling import TIMEOUT_SECONDS, eventually
from common.values.clock import utc_now
from common.values.ids import new_id
from expiration import jobs
from expiration.service import ExpirationService
from expiration.settings import Settings
from ticketing_local.processes.managed_process import ManagedProcess
from ticketing_local.stack import replica_set, servers
from ticketing_local.stack.stored_secrets import StoredSecrets
from ticketing_local.testing.free_ports import free_port

Expiration = Callable[..., Awaitable[Client]]
OpenService = Callable[..., AbstractAsyncContextManager[ExpirationService]]
FindDeadline = Callable[[str], Awaitable[dict[str, Any] | None]]
pytestmark = pytest.mark.filterwarnings(
    "ignore:Call to deprecated close:DeprecationWarning"  # raised by arq
)
WORKER = (sys.executable, "-m", "uvicorn", "expiration.worker:create_app", "--factory", "--port=0")
SOON = timedelta(milliseconds=400)
LATER = timedelta(seconds=2)
"""Enough to do something before it on a slow machine."""


async def place_order(
    expirations: ExpirationService, *, expires_in: timedelta, now: Any = None
) -> str:
    order_id = new_id()
    at = (now or utc_now()) + expires_in
    await expirations.apply_order(order_id, OrderStatus.CREATED, expires_at=at, version=0)
    return order_id


async def complete_order(expirations: ExpirationService, order_id: str) -> None:
    await expirations.apply_order(order_id, OrderStatus.COMPLETE, expires_at=utc_now(), version=1)


def job_context(expirations: ExpirationService, job_try: int = 1) -> dict[str, Any]:
    return {"expirations": expirations, "job_try": job_try}


async def test_timer_expires_the_order_on_time(
    expiration: Expiration,
    start_worker: Expiration,
    settings_without_sweep: Settings,
    published: EventProbe,
) -> None:
    service = await expiration(settings_without_sweep)
    await start_worker(settings_without_sweep)
    due = utc_now() + SOON
    order_id = await place_order(service.app.state.service.expirations, expires_in=SOON)

    event = await published.next(ExpirationCompleted)

    assert event.order_id == order_id
    late = utc_now() - due
    assert timedelta(0) <= late < timedelta(seconds=settings_without_sweep.expiration_sweep_seconds)


async def test_timer_that_ran_leaves_nothing_in_redis(
    expiration: Expiration,
    start_worker: Expiration,
    settings_without_sweep: Settings,
    published: EventProbe,
    redis: Redis,
) -> None:
    service = await expiration(settings_without_sweep)
    await start_worker(settings_without_sweep)
    order_id = await place_order(service.app.state.service.expirations, expires_in=timedelta(0))
    await published.next(ExpirationCompleted)

    async def is_empty() -> bool:
        return not await redis.keys(f"*{order_id}*") and not await redis.zcard(
            f"{settings_without_sweep.namespace}:expiration"
        )

    await eventually(is_empty)


async def test_cleared_deadline_does_not_expire(
    expiration: Expiration,
    start_worker: Expiration,
    settings_without_sweep: Settings,
    published: EventProbe,
) -> None:
    service = await expiration(settings_without_sweep)
    await start_worker(settings_without_sweep)
    expirations = service.app.state.service.expirations
    cancelled = await place_order(expirations, expires_in=LATER)
    await complete_order(expirations, cancelled)
    last = await place_order(expirations, expires_in=LATER)

    await published.next(ExpirationCompleted)

    assert [event.order_id for event in await published.all(ExpirationCompleted)] == [last]


async def test_order_expires_at_the_exact_millisecond(
    expirations: ExpirationService, clock: FakeClock, published: EventProbe
) -> None:
    order_id = await place_order(expirations, expires_in=timedelta(minutes=15), now=clock())

    clock.advance(minutes=15, milliseconds=-1)
    assert await expirations.expire(order_id) == timedelta(milliseconds=1)
    assert await expirations.expire_overdue(timedelta(0)) == 0
    clock.advance(milliseconds=1)
    assert await expirations.expire(order_id) is None

    assert (await published.next(ExpirationCompleted)).order_id == order_id


async def test_job_that_runs_early_is_deferred_by_the_rest(
    expirations: ExpirationService, clock: FakeClock
) -> None:
    order_id = await place_order(expirations, expires_in=timedelta(seconds=3), now=clock())

    with pytest.raises(Retry) as raised:
        await jobs.expire_order(job_context(expirations), order_id)

    assert raised.value.defer_score == 3_000


async def test_job_that_runs_twice_expires_the_order_once(
    expirations: ExpirationService,
    clock: FakeClock,
    published: EventProbe,
    find_deadline: FindDeadline,
) -> None:
    order_id = await place_order(expirations, expires_in=timedelta(0), now=clock())

    await jobs.expire_order(job_context(expirations), order_id)
    await jobs.expire_order(job_context(expirations), order_id)

    marker = await place_order(expirations, expires_in=timedelta(0), now=clock())
    await jobs.expire_order(job_context(expirations), marker)
    await published.next(ExpirationCompleted, count=2)
    expired_order_ids = [event.order_id for event in await published.all(ExpirationCompleted)]
    assert expired_order_ids == [order_id, marker]
    row = await find_deadline(order_id)
    assert row is not None
    assert row["version"] == 1


async def test_job_expires_all_due_orders_and_cancels_their_timers(
    expirations: ExpirationService,
    clock: FakeClock,
    published: EventProbe,
    redis: Redis,
    settings_without_sweep: Settings,
) -> None:
    due = [await place_order(expirations, expires_in=timedelta(0), now=clock()) for _ in range(10)]
    later = await place_order(expirations, expires_in=timedelta(milliseconds=1), now=clock())

    await jobs.expire_order(job_context(expirations), due[0])

    await published.next(ExpirationCompleted, count=10)
    assert {event.order_id for event in await published.all(ExpirationCompleted)} == set(due)
    queued = await redis.zrange(f"{settings_without_sweep.namespace}:expiration", 0, -1)
    assert {order_id.decode() for order_id in queued} == {
        due[0],
        later,
    }  # arq removes its own job


async def test_job_of_an_unknown_order_does_nothing(expirations: ExpirationService) -> None:
    await jobs.expire_order(job_context(expirations), new_id())


async def test_job_that_times_out_is_retried(
    open_service: OpenService,
    settings: Settings,
    published: EventProbe,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert published
    monkeypatch.setattr(jobs, "HANDLER_TIMEOUT_SECONDS", 0.2)
    async with (
        with_stalling_mongo(settings) as (proxied, stall),
        open_service(proxied) as expirations,
    ):
        order_id = await place_order(expirations, expires_in=timedelta(0))
        stall()

        with pytest.raises(Retry):
            await jobs.expire_order(job_context(expirations), order_id)


async def test_failing_job_is_retried_with_a_growing_delay(
    open_service: OpenService, settings_without_sweep: Settings, published: EventProbe
) -> None:
    assert published
    async with open_service(settings_without_sweep) as closed_service:
        pass

    delays: list[int] = []
    for job_try in (1, 2, 3, 12):
        with pytest.raises(Retry) as raised:
            await jobs.expire_order(job_context(closed_service, job_try), new_id())
        delays.append(raised.value.defer_score or 0)

    assert delays == [200, 400, 800, 30_000]


OUTAGE_SECONDS = 1.0
"""Long enough for ten polls of the worker to fail."""


class KillableRedis(ManagedProcess):
    """A Redis server that a test can kill and restart."""

    def __init__(self, data: Path) -> None:
        secrets = StoredSecrets(data.parent / "secrets")
        port = free_port()
        super().__init__(servers.redis(port, data, secrets))
        self.url = f"{servers.redis_url_with_password(port, secrets)}/0"


@pytest.fixture
async def killable_redis(tmp_path: Path) -> AsyncGenerator[KillableRedis]:
    """A running Redis server that the test can kill and restart."""
    server = KillableRedis(tmp_path)
    await server.start_and_wait()
    yield server
    server.kill()


async def test_worker_survives_a_restart_of_redis(
    killable_redis: KillableRedis,
    open_service: OpenService,
    start_worker: Expiration,
    settings_without_sweep: Settings,
    published: EventProbe,
) -> None:
    settings = settings_without_sweep.model_copy(update={"redis_url": killable_redis.url})
    await start_worker(settings)
    async with open_service(settings) as expirations:
        before = await place_order(expirations, expires_in=timedelta(0))
        assert (await published.next(ExpirationCompleted)).order_id == before

        killable_redis.kill()
        await asyncio.sleep(OUTAGE_SECONDS)
        await killable_redis.start_and_wait()

        after = await place_order(expirations, expires_in=timedelta(0))
        assert (await published.next(ExpirationCompleted, count=2)).order_id == after


async def test_worker_waits_for_a_redis_that_does_not_respond(
    killable_redis: KillableRedis,
    open_service: OpenService,
    start_worker: Expiration,
    settings_without_sweep: Settings,
    published: EventProbe,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jobs, "REDIS_TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(jobs, "REDIS_RETRIES", 1)
    settings = settings_without_sweep.model_copy(update={"redis_url": killable_redis.url})
    await start_worker(settings)
    async with open_service(settings) as expirations:
        with capture_logs() as logs:
            killable_redis.pause()

            async def is_waiting() -> bool:
                return any(entry.get("dependency") == "Redis" for entry in logs)

            await eventually(is_waiting)
        killable_redis.resume()

        order_id = await place_order(expirations, expires_in=timedelta(0))
        assert (await published.next(ExpirationCompleted)).order_id == order_id


async def test_timers_are_restored_after_redis_is_emptied(
    expiration: Expiration,
    start_worker: Expiration,
    settings: Settings,
    published: EventProbe,
    redis: Redis,
) -> None:
    service = await expiration(settings)
    order_id = await place_order(service.app.state.service.expirations, expires_in=LATER)
    await redis.flushdb()

    async def is_scheduled() -> bool:
        return bool(await redis.zcard(f"{settings.namespace}:expiration"))

    await eventually(is_scheduled)
    assert not await published.all(ExpirationCompleted)
    await start_worker(settings)
    assert (await published.next(ExpirationCompleted)).order_id == order_id


async def test_sweeper_expires_orders_without_timers_and_worker(
    expiration: Expiration, settings: Settings, published: EventProbe, redis: Redis
) -> None:
    service = await expiration(settings)
    order_ids = {
        await place_order(service.app.state.service.expirations, expires_in=SOON) for _ in range(5)
    }
    await redis.flushdb()

    await published.next(ExpirationCompleted, count=5)

    expired_order_ids = [event.order_id for event in await published.all(ExpirationCompleted)]
    assert (len(expired_order_ids), set(expired_order_ids)) == (5, order_ids)


async def test_orders_due_during_an_outage_expire_at_startup(
    expiration: Expiration,
    open_service: OpenService,
    settings_without_sweep: Settings,
    published: EventProbe,
) -> None:
    async with open_service(settings_without_sweep) as expirations:
        overdue = -timedelta(minutes=1)
        await asyncio.gather(*(place_order(expirations, expires_in=overdue) for _ in range(450)))

    await expiration(settings_without_sweep)

    await published.next(ExpirationCompleted, count=450)
    assert len({e.order_id for e in await published.all(ExpirationCompleted)}) == 450


async def test_sweeper_expires_the_order_of_a_killed_worker(
    expiration: Expiration,
    open_service: OpenService,
    settings: Settings,
    settings_without_sweep: Settings,
    published: EventProbe,
    redis: Redis,
) -> None:
    async with (
        open_service(settings_without_sweep) as expirations,
        with_stalling_mongo(settings) as (proxied, stall),
    ):
        worker = await asyncio.create_subprocess_exec(*WORKER, env=to_environment(proxied))
        try:
            await wait_until_worker_is_up(redis, settings)
            stall()  # MongoDB stops responding to the worker
            order_id = await place_order(expirations, expires_in=timedelta(0))

            async def is_in_progress() -> bool:
                return bool(await redis.exists(f"arq:in-progress:{order_id}"))

            await eventually(is_in_progress)
        finally:
            worker.kill()
            await worker.wait()
    assert await redis.exists(f"arq:in-progress:{order_id}")  # arq withholds the job
    assert not await published.all(ExpirationCompleted)

    await expiration(settings)

    assert (await published.next(ExpirationCompleted)).order_id == order_id


async def test_worker_stops_cleanly_on_sigterm(
    open_service: OpenService,
    settings: Settings,
    settings_without_sweep: Settings,
    published: EventProbe,
    redis: Redis,
) -> None:
    worker = await asyncio.create_subprocess_exec(*WORKER, env=to_environment(settings))
    try:
        await wait_until_worker_is_up(redis, settings)
        async with open_service(settings_without_sweep) as expirations:
            order_id = await place_order(expirations, expires_in=timedelta(0))
            assert (await published.next(ExpirationCompleted)).order_id == order_id
        worker.terminate()
        assert await asyncio.wait_for(worker.wait(), TIMEOUT_SECONDS) == -signal.SIGTERM
    finally:
        if worker.returncode is None:
            worker.kill()
            await worker.wait()
    assert not await redis.exists(f"{settings.namespace}:expiration:health-check")


async def test_worker_counts_its_timers_by_outcome(
    open_service: OpenService,
    start_worker: Expiration,
    settings_without_sweep: Settings,
    published: EventProbe,
) -> None:
    worker = await start_worker(settings_without_sweep)
    before = REGISTRY.get_sample_value("expiration_timers_total", {"outcome": "fired"}) or 0
    async with open_service(settings_without_sweep) as expirations:
        await place_order(expirations, expires_in=timedelta(0))
        await published.next(ExpirationCompleted)

        async def is_counted() -> bool:
            metrics = (await worker.get("/metrics")).text
            return f'expiration_timers_total{{outcome="fired"}} {before + 1}' in metrics

        await eventually(is_counted)


async def test_worker_without_settings_names_the_missing_ones() -> None:
    worker = await asyncio.create_subprocess_exec(
        *WORKER,
        env={"PATH": os.environ["PATH"]},
        stderr=asyncio.subprocess.PIPE,
    )
    _, stderr = await worker.communicate()

    assert worker.returncode == 1
    assert stderr.decode().startswith("settings: ")
    assert "REDIS_URL" in stderr.decode()
    assert stderr.decode().count("\n") == 1


async def wait_until_worker_is_up(redis: Redis, settings: Settings) -> None:
    async def is_up() -> bool:
        return bool(await redis.exists(f"{settings.namespace}:expiration:health-check"))

    await eventually(is_up)


def to_environment(settings: Settings) -> dict[str, str]:
    """Return the settings as environment variables of another process."""
    own = {
        name.upper(): str(value.get_secret_value() if isinstance(value, SecretStr) else value)
        for name, value in settings
        if value is not None
    }
    return {**os.environ, **own}


@asynccontextmanager
async def with_stalling_mongo(
    settings: Settings,
) -> AsyncGenerator[tuple[Settings, Callable[[], None]]]:
    """Yield settings with a MongoDB proxy, and a function that makes it stop responding."""
    answering = asyncio.Event()
    answering.set()
    address = urlsplit(settings.mongo_uri)
    host, mongo_port = address.hostname or "", address.port or 0
    open_connections: set[asyncio.StreamWriter] = set()

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            await answering.wait()
            writer.write(data)
        writer.close()

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection(host, mongo_port)
        open_connections.update((writer, upstream_writer))
        with contextlib.suppress(OSError):
            await asyncio.gather(copy(reader, upstream_writer), copy(upstream_reader, writer))

    server = await asyncio.start_server(on_connection, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    uri = settings.mongo_uri.replace(f"{host}:{mongo_port}", f"127.0.0.1:{port}")
    uri = uri.replace(f"replicaSet={replica_set.NAME}", "directConnection=true")
    try:
        yield settings.model_copy(update={"mongo_uri": uri}), answering.clear
    finally:
        server.close()
        for writer in open_connections:
            writer.transport.abort()
        answering.set()
