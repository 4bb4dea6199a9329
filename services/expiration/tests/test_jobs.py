"""Alarms and the sweep: whatever breaks, every deadline fires, once and not before its time."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from arq.worker import Retry, create_worker
from prometheus_client import REGISTRY
from redis.asyncio import Redis
from redis.exceptions import RedisError

from common.events import ExpirationCompleted, OrderStatus
from common.testing.client import Client
from common.testing.clock import FakeClock
from common.testing.events import EventProbe
from common.testing.polling import eventually
from common.values.clock import utc_now
from common.values.ids import new_id
from expiration import jobs
from expiration.service import ExpirationService
from expiration.settings import Settings
from ticketing_local.stack import servers
from ticketing_local.testing.killable_server import KillableServer
from ticketing_local.testing.temporary_server import free_port

Expiration = Callable[..., Awaitable[Client]]
OpenService = Callable[..., AbstractAsyncContextManager[ExpirationService]]
StartWorker = Callable[[Settings], None]
FindDeadline = Callable[[str], Awaitable[dict[str, Any] | None]]
pytestmark = pytest.mark.filterwarnings(
    "ignore:Call to deprecated close:DeprecationWarning"  # how arq leaves redis-py
)
SOON = timedelta(milliseconds=400)


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


async def test_an_alarm_fires_its_deadline_in_time(
    expiration: Expiration,
    start_worker: StartWorker,
    settings_without_sweep: Settings,
    published: EventProbe,
) -> None:
    service = await expiration(settings_without_sweep)
    start_worker(settings_without_sweep)
    due = utc_now() + SOON
    order_id = await place_order(service.app.state.service.expirations, expires_in=SOON)

    event = await published.next(ExpirationCompleted)

    assert event.order_id == order_id
    assert timedelta(0) <= utc_now() - due < timedelta(seconds=2)


async def test_an_alarm_that_rang_leaves_nothing_in_redis(
    expiration: Expiration,
    start_worker: StartWorker,
    settings_without_sweep: Settings,
    published: EventProbe,
    redis: Redis,
) -> None:
    service = await expiration(settings_without_sweep)
    start_worker(settings_without_sweep)
    order_id = await place_order(service.app.state.service.expirations, expires_in=timedelta(0))
    await published.next(ExpirationCompleted)

    async def nothing_left() -> bool:
        return not await redis.keys(f"*{order_id}*") and not await redis.zcard(
            f"{settings_without_sweep.namespace}:expiration"
        )

    await eventually(nothing_left)


async def test_a_cleared_deadline_never_rings(
    expiration: Expiration,
    start_worker: StartWorker,
    settings_without_sweep: Settings,
    published: EventProbe,
) -> None:
    service = await expiration(settings_without_sweep)
    start_worker(settings_without_sweep)
    expirations = service.app.state.service.expirations
    cancelled = await place_order(expirations, expires_in=SOON)
    await complete_order(expirations, cancelled)
    last = await place_order(expirations, expires_in=SOON + timedelta(milliseconds=50))

    await published.next(ExpirationCompleted)

    assert [event.order_id for event in await published.all(ExpirationCompleted)] == [last]


async def test_the_window_ends_at_its_millisecond(
    expirations: ExpirationService, clock: FakeClock, published: EventProbe
) -> None:
    order_id = await place_order(expirations, expires_in=timedelta(minutes=15), now=clock())

    clock.advance(minutes=15, milliseconds=-1)
    assert await expirations.expire(order_id) == timedelta(milliseconds=1)
    assert await expirations.expire_overdue(timedelta(0)) == 0
    clock.advance(milliseconds=1)
    assert await expirations.expire(order_id) is None

    assert (await published.next(ExpirationCompleted)).order_id == order_id


async def test_an_alarm_that_rings_early_is_set_for_the_rest(
    expirations: ExpirationService, clock: FakeClock
) -> None:
    order_id = await place_order(expirations, expires_in=timedelta(seconds=3), now=clock())

    with pytest.raises(Retry) as raised:
        await jobs.expire_order(job_context(expirations), order_id)

    assert raised.value.defer_score == 3_000


async def test_an_alarm_that_rings_twice_fires_once(
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


async def test_one_alarm_fires_whatever_is_due_and_spares_the_others_their_ringing(
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
    assert {order_id.decode() for order_id in queued} == {due[0], later}  # arq ends its own


async def test_an_alarm_of_an_unknown_order_rings_idly(expirations: ExpirationService) -> None:
    await jobs.expire_order(job_context(expirations), new_id())


async def test_what_takes_too_long_is_tried_again(
    open_service: OpenService,
    settings: Settings,
    published: EventProbe,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert published
    monkeypatch.setattr(jobs, "HANDLER_TIMEOUT_SECONDS", 0.2)
    async with (
        with_stalling_mongo(settings) as (through, stall),
        open_service(through) as expirations,
    ):
        order_id = await place_order(expirations, expires_in=timedelta(0))
        stall()

        with pytest.raises(Retry):
            await jobs.expire_order(job_context(expirations), order_id)


async def test_whatever_fails_is_tried_again_with_a_growing_delay(
    open_service: OpenService, settings_without_sweep: Settings, published: EventProbe
) -> None:
    assert published
    async with open_service(settings_without_sweep) as closed_before_use:
        pass

    delays: list[int] = []
    for job_try in (1, 2, 3, 12):
        with pytest.raises(Retry) as raised:
            await jobs.expire_order(job_context(closed_before_use, job_try), new_id())
        delays.append(raised.value.defer_score or 0)

    assert delays == [200, 400, 800, 30_000]


OUTAGE_SECONDS = 1.0
"""Seconds that Redis is away: ten looks of the worker, all of them refused."""


class KillableRedis(KillableServer):
    """A Redis of a test's own."""

    def __init__(self, data: Path) -> None:
        super().__init__(servers.redis(free_port(), data))
        self.url = f"redis://127.0.0.1:{self.program.port}/0"


@pytest.fixture
async def killable_redis(tmp_path: Path) -> AsyncGenerator[KillableRedis]:
    """A Redis of this test's own, running."""
    server = KillableRedis(tmp_path)
    await server.start()
    yield server
    await server.kill()


async def test_a_worker_outlives_a_restart_of_redis(
    killable_redis: KillableRedis,
    open_service: OpenService,
    start_worker: StartWorker,
    settings_without_sweep: Settings,
    published: EventProbe,
) -> None:
    settings = settings_without_sweep.model_copy(update={"redis_url": killable_redis.url})
    start_worker(settings)
    async with open_service(settings) as expirations:
        before = await place_order(expirations, expires_in=timedelta(0))
        assert (await published.next(ExpirationCompleted)).order_id == before

        await killable_redis.kill()
        await asyncio.sleep(OUTAGE_SECONDS)
        await killable_redis.start()

        after = await place_order(expirations, expires_in=timedelta(0))
        assert (await published.next(ExpirationCompleted, count=2)).order_id == after


async def test_a_worker_ends_when_redis_stays_silent(
    killable_redis: KillableRedis,
    settings_without_sweep: Settings,
    published: EventProbe,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert published
    monkeypatch.setattr(jobs, "REDIS_TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(jobs, "REDIS_RETRIES", 1)
    settings = settings_without_sweep.model_copy(update={"redis_url": killable_redis.url})
    worker = create_worker(jobs.worker_settings(settings), handle_signals=False)  # pyright: ignore[reportArgumentType]  # a dict does
    running = asyncio.create_task(worker.async_run())

    async def has_started() -> bool:
        return "expirations" in worker.ctx

    await eventually(has_started)
    await killable_redis.pause()

    with pytest.raises(RedisError):
        await asyncio.wait_for(running, 20)
    await killable_redis.kill()
    await killable_redis.start()
    await worker.close()


async def test_with_redis_emptied_the_alarms_are_set_again(
    expiration: Expiration,
    start_worker: StartWorker,
    settings: Settings,
    published: EventProbe,
    redis: Redis,
) -> None:
    service = await expiration(settings)
    order_id = await place_order(
        service.app.state.service.expirations, expires_in=timedelta(seconds=1.5)
    )
    await redis.flushdb()

    async def set_again() -> bool:
        return bool(await redis.zcard(f"{settings.namespace}:expiration"))

    await eventually(set_again)
    assert not await published.all(ExpirationCompleted)
    start_worker(settings)
    assert (await published.next(ExpirationCompleted)).order_id == order_id


async def test_with_redis_emptied_and_the_worker_dead_the_sweep_fires(
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


async def test_what_came_due_during_an_outage_fires_at_the_start(
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


async def test_when_the_worker_is_killed_in_the_middle_of_a_job_the_sweep_fires(
    expiration: Expiration,
    open_service: OpenService,
    settings: Settings,
    settings_without_sweep: Settings,
    published: EventProbe,
    redis: Redis,
) -> None:
    async with (
        open_service(settings_without_sweep) as expirations,
        with_stalling_mongo(settings) as (through, stall),
    ):
        worker = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "arq", "expiration.jobs.Worker"), env=to_environment(through)
        )
        try:

            async def up() -> bool:
                return bool(await redis.exists(f"{settings.namespace}:expiration:health-check"))

            await eventually(up, timeout_seconds=30)
            stall()  # whatever it asks MongoDB from now on is never answered
            order_id = await place_order(expirations, expires_in=timedelta(0))

            async def in_the_middle() -> bool:
                return bool(await redis.exists(f"arq:in-progress:{order_id}"))

            await eventually(in_the_middle)
        finally:
            worker.kill()
            await worker.wait()
    assert await redis.exists(f"arq:in-progress:{order_id}")  # parked, for arq, for a while
    assert not await published.all(ExpirationCompleted)

    await expiration(settings)

    assert (await published.next(ExpirationCompleted)).order_id == order_id


async def test_a_worker_that_is_told_to_stop_finishes_and_leaves(
    open_service: OpenService,
    settings: Settings,
    settings_without_sweep: Settings,
    published: EventProbe,
    redis: Redis,
) -> None:
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "arq", "expiration.jobs.Worker"), env=to_environment(settings)
    )
    try:
        async with open_service(settings_without_sweep) as expirations:
            order_id = await place_order(expirations, expires_in=timedelta(0))
            assert (await published.next(ExpirationCompleted)).order_id == order_id
        worker.terminate()
        assert await asyncio.wait_for(worker.wait(), 15) == 0
    finally:
        if worker.returncode is None:
            worker.kill()
            await worker.wait()
    assert not await redis.exists(f"{settings.namespace}:expiration:health-check")


async def test_a_worker_tells_how_its_alarms_fared(
    open_service: OpenService,
    start_worker: StartWorker,
    settings_without_sweep: Settings,
    published: EventProbe,
) -> None:
    address = f"127.0.0.1:{free_port()}"
    start_worker(settings_without_sweep.model_copy(update={"expiration_metrics_address": address}))
    before = REGISTRY.get_sample_value("expiration_timers_total", {"outcome": "fired"}) or 0
    async with open_service(settings_without_sweep) as expirations:
        await place_order(expirations, expires_in=timedelta(0))
        await published.next(ExpirationCompleted)

        async def is_counted() -> bool:
            async with httpx.AsyncClient(trust_env=False) as http:
                metrics = (await http.get(f"http://{address}/metrics")).text
            return f'expiration_timers_total{{outcome="fired"}} {before + 1}' in metrics

        await eventually(is_counted)


async def test_a_worker_without_its_environment_says_what_is_missing() -> None:
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "arq", "expiration.jobs.Worker"),
        env={"PATH": os.environ["PATH"]},
        stderr=asyncio.subprocess.PIPE,
    )
    _, stderr = await worker.communicate()

    assert worker.returncode == 1
    assert stderr.decode().startswith("settings: ")
    assert "REDIS_URL" in stderr.decode()
    assert stderr.decode().count("\n") == 1


def to_environment(settings: Settings) -> dict[str, str]:
    """Give these settings as another process's environment."""
    own = {
        name.upper(): str(value.get_secret_value() if name == "jwt_key" else value)
        for name, value in settings
        if value is not None
    }
    return {**os.environ, **own}


@asynccontextmanager
async def with_stalling_mongo(
    settings: Settings,
) -> AsyncGenerator[tuple[Settings, Callable[[], None]]]:
    """Give settings whose MongoDB stops to answer once it is told to."""
    answering = asyncio.Event()
    answering.set()
    host, port = settings.mongo_uri.split("/")[2].split(":")
    open_now: set[asyncio.StreamWriter] = set()

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            await answering.wait()
            writer.write(data)
        writer.close()

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(host, int(port))
        open_now.update((writer, back))
        with contextlib.suppress(OSError):
            await asyncio.gather(copy(reader, back), copy(there, writer))

    server = await asyncio.start_server(on_connection, "127.0.0.1", 0)
    here = server.sockets[0].getsockname()[1]
    database = settings.mongo_uri.rpartition("/")[2].partition("?")[0]
    uri = f"mongodb://127.0.0.1:{here}/{database}?directConnection=true"
    try:
        yield settings.model_copy(update={"mongo_uri": uri}), answering.clear
    finally:
        server.close()
        for writer in open_now:
            writer.transport.abort()
        answering.set()
