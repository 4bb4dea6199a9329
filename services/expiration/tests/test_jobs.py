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
from common.testing.plugin import Client, FakeClock, Published, eventually
from common.values.clock import utc_now
from common.values.ids import new_id
from expiration import jobs
from expiration.service import Expirations
from expiration.settings import Settings
from ticketing_local.stack import servers
from ticketing_local.testing.killable_server import Mortal
from ticketing_local.testing.temporary_server import free_port

Expiration = Callable[..., Awaitable[Client]]
Opened = Callable[..., AbstractAsyncContextManager[Expirations]]
Working = Callable[[Settings], None]
Stored = Callable[[str], Awaitable[dict[str, Any] | None]]
pytestmark = pytest.mark.filterwarnings(
    "ignore:Call to deprecated close:DeprecationWarning"  # how arq leaves redis-py
)
SOON = timedelta(milliseconds=400)


async def placed(expirations: Expirations, *, due_in: timedelta, now: Any = None) -> str:
    order_id = new_id()
    at = (now or utc_now()) + due_in
    await expirations.follow_order(order_id, OrderStatus.CREATED, expires_at=at, version=0)
    return order_id


async def paid(expirations: Expirations, order_id: str) -> None:
    await expirations.follow_order(order_id, OrderStatus.COMPLETE, expires_at=utc_now(), version=1)


def context(expirations: Expirations, job_try: int = 1) -> dict[str, Any]:
    return {"expirations": expirations, "job_try": job_try}


async def test_an_alarm_fires_its_deadline_in_time(
    expiration: Expiration, working: Working, unswept: Settings, published: Published
) -> None:
    service = await expiration(unswept)
    working(unswept)
    due = utc_now() + SOON
    order_id = await placed(service.app.state.expirations, due_in=SOON)

    event = await published.next(ExpirationCompleted)

    assert event.order_id == order_id
    assert timedelta(0) <= utc_now() - due < timedelta(seconds=2)


async def test_an_alarm_that_rang_leaves_nothing_in_redis(
    expiration: Expiration,
    working: Working,
    unswept: Settings,
    published: Published,
    redis: Redis,
) -> None:
    service = await expiration(unswept)
    working(unswept)
    order_id = await placed(service.app.state.expirations, due_in=timedelta(0))
    await published.next(ExpirationCompleted)

    async def nothing_left() -> bool:
        return not await redis.keys(f"*{order_id}*") and not await redis.zcard(
            f"{unswept.namespace}:expiration"
        )

    await eventually(nothing_left)


async def test_a_cleared_deadline_never_rings(
    expiration: Expiration, working: Working, unswept: Settings, published: Published
) -> None:
    service = await expiration(unswept)
    working(unswept)
    expirations = service.app.state.expirations
    cancelled = await placed(expirations, due_in=SOON)
    await paid(expirations, cancelled)
    last = await placed(expirations, due_in=SOON + timedelta(milliseconds=50))

    await published.next(ExpirationCompleted)

    assert [event.order_id for event in await published.all(ExpirationCompleted)] == [last]


async def test_the_window_ends_at_its_millisecond(
    door: Expirations, clock: FakeClock, published: Published
) -> None:
    order_id = await placed(door, due_in=timedelta(minutes=15), now=clock())

    clock.advance(minutes=15, milliseconds=-1)
    assert await door.fire(order_id) == timedelta(milliseconds=1)
    assert await door.fire_overdue(timedelta(0)) == 0
    clock.advance(milliseconds=1)
    assert await door.fire(order_id) is None

    assert (await published.next(ExpirationCompleted)).order_id == order_id


async def test_an_alarm_that_rings_early_is_set_for_the_rest(
    door: Expirations, clock: FakeClock
) -> None:
    order_id = await placed(door, due_in=timedelta(seconds=3), now=clock())

    with pytest.raises(Retry) as raised:
        await jobs.fire(context(door), order_id)

    assert raised.value.defer_score == 3_000


async def test_an_alarm_that_rings_twice_fires_once(
    door: Expirations, clock: FakeClock, published: Published, stored: Stored
) -> None:
    order_id = await placed(door, due_in=timedelta(0), now=clock())

    await jobs.fire(context(door), order_id)
    await jobs.fire(context(door), order_id)

    marker = await placed(door, due_in=timedelta(0), now=clock())
    await jobs.fire(context(door), marker)
    await published.next(ExpirationCompleted, count=2)
    told = [event.order_id for event in await published.all(ExpirationCompleted)]
    assert told == [order_id, marker]
    row = await stored(order_id)
    assert row is not None
    assert row["version"] == 1


async def test_one_alarm_fires_whatever_is_due_and_spares_the_others_their_ringing(
    door: Expirations,
    clock: FakeClock,
    published: Published,
    redis: Redis,
    unswept: Settings,
) -> None:
    due = [await placed(door, due_in=timedelta(0), now=clock()) for _ in range(10)]
    later = await placed(door, due_in=timedelta(milliseconds=1), now=clock())

    await jobs.fire(context(door), due[0])

    await published.next(ExpirationCompleted, count=10)
    assert {event.order_id for event in await published.all(ExpirationCompleted)} == set(due)
    queued = await redis.zrange(f"{unswept.namespace}:expiration", 0, -1)
    assert {order_id.decode() for order_id in queued} == {due[0], later}  # arq ends its own


async def test_an_alarm_of_an_unknown_order_rings_idly(door: Expirations) -> None:
    await jobs.fire(context(door), new_id())


async def test_what_takes_too_long_is_tried_again(
    opened: Opened, settings: Settings, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert published
    monkeypatch.setattr(jobs, "FIRE_SECONDS", 0.2)
    async with stalling(settings) as (through, stall), opened(through) as expirations:
        order_id = await placed(expirations, due_in=timedelta(0))
        stall()

        with pytest.raises(Retry):
            await jobs.fire(context(expirations), order_id)


async def test_whatever_fails_is_tried_again_with_a_growing_delay(
    opened: Opened, unswept: Settings, published: Published
) -> None:
    assert published
    async with opened(unswept) as closed_before_use:
        pass

    delays: list[int] = []
    for job_try in (1, 2, 3, 12):
        with pytest.raises(Retry) as raised:
            await jobs.fire(context(closed_before_use, job_try), new_id())
        delays.append(raised.value.defer_score or 0)

    assert delays == [200, 400, 800, 30_000]


ABSENCE = 1.0
"""Seconds that Redis is away: ten looks of the worker, all of them refused."""


class MortalRedis(Mortal):
    """A Redis of a test's own."""

    def __init__(self, data: Path) -> None:
        super().__init__(servers.redis(free_port(), data))
        self.url = f"redis://127.0.0.1:{self.program.port}/0"


@pytest.fixture
async def mortal_redis(tmp_path: Path) -> AsyncGenerator[MortalRedis]:
    """A Redis of this test's own, running."""
    server = MortalRedis(tmp_path)
    await server.start()
    yield server
    await server.kill()


async def test_a_worker_outlives_a_restart_of_redis(
    mortal_redis: MortalRedis,
    opened: Opened,
    working: Working,
    unswept: Settings,
    published: Published,
) -> None:
    settings = unswept.model_copy(update={"redis_url": mortal_redis.url})
    working(settings)
    async with opened(settings) as expirations:
        before = await placed(expirations, due_in=timedelta(0))
        assert (await published.next(ExpirationCompleted)).order_id == before

        await mortal_redis.kill()
        await asyncio.sleep(ABSENCE)
        await mortal_redis.start()

        after = await placed(expirations, due_in=timedelta(0))
        assert (await published.next(ExpirationCompleted, count=2)).order_id == after


async def test_a_worker_ends_when_redis_stays_silent(
    mortal_redis: MortalRedis,
    unswept: Settings,
    published: Published,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert published
    monkeypatch.setattr(jobs, "SILENCE", 0.2)
    monkeypatch.setattr(jobs, "REDIS_RETRIES", 1)
    settings = unswept.model_copy(update={"redis_url": mortal_redis.url})
    worker = create_worker(jobs.worker(settings), handle_signals=False)  # pyright: ignore[reportArgumentType]  # a dict does
    running = asyncio.create_task(worker.async_run())

    async def looks() -> bool:
        return "expirations" in worker.ctx

    await eventually(looks)
    await mortal_redis.pause()

    with pytest.raises(RedisError):
        await asyncio.wait_for(running, 20)
    await mortal_redis.kill()
    await mortal_redis.start()
    await worker.close()


async def test_with_redis_emptied_the_alarms_are_set_again(
    expiration: Expiration,
    working: Working,
    settings: Settings,
    published: Published,
    redis: Redis,
) -> None:
    service = await expiration(settings)
    order_id = await placed(service.app.state.expirations, due_in=timedelta(seconds=1.5))
    await redis.flushdb()

    async def set_again() -> bool:
        return bool(await redis.zcard(f"{settings.namespace}:expiration"))

    await eventually(set_again)
    assert not await published.all(ExpirationCompleted)
    working(settings)
    assert (await published.next(ExpirationCompleted)).order_id == order_id


async def test_with_redis_emptied_and_the_worker_dead_the_sweep_fires(
    expiration: Expiration, settings: Settings, published: Published, redis: Redis
) -> None:
    service = await expiration(settings)
    order_ids = {await placed(service.app.state.expirations, due_in=SOON) for _ in range(5)}
    await redis.flushdb()

    await published.next(ExpirationCompleted, count=5)

    told = [event.order_id for event in await published.all(ExpirationCompleted)]
    assert (len(told), set(told)) == (5, order_ids)


async def test_what_came_due_during_an_outage_fires_at_the_start(
    expiration: Expiration, opened: Opened, unswept: Settings, published: Published
) -> None:
    async with opened(unswept) as expirations:
        overdue = -timedelta(minutes=1)
        await asyncio.gather(*(placed(expirations, due_in=overdue) for _ in range(450)))

    await expiration(unswept)

    await published.next(ExpirationCompleted, count=450)
    assert len({e.order_id for e in await published.all(ExpirationCompleted)}) == 450


async def test_when_the_worker_is_killed_in_the_middle_of_a_job_the_sweep_fires(
    expiration: Expiration,
    opened: Opened,
    settings: Settings,
    unswept: Settings,
    published: Published,
    redis: Redis,
) -> None:
    async with opened(unswept) as expirations, stalling(settings) as (through, stall):
        worker = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "arq", "expiration.jobs.Worker"), env=environ(through)
        )
        try:

            async def up() -> bool:
                return bool(await redis.exists(f"{settings.namespace}:expiration:health-check"))

            await eventually(up, patience=30)
            stall()  # whatever it asks MongoDB from now on is never answered
            order_id = await placed(expirations, due_in=timedelta(0))

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
    opened: Opened, settings: Settings, unswept: Settings, published: Published, redis: Redis
) -> None:
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "arq", "expiration.jobs.Worker"), env=environ(settings)
    )
    try:
        async with opened(unswept) as expirations:
            order_id = await placed(expirations, due_in=timedelta(0))
            assert (await published.next(ExpirationCompleted)).order_id == order_id
        worker.terminate()
        assert await asyncio.wait_for(worker.wait(), 15) == 0
    finally:
        if worker.returncode is None:
            worker.kill()
            await worker.wait()
    assert not await redis.exists(f"{settings.namespace}:expiration:health-check")


async def test_a_worker_tells_how_its_alarms_fared(
    opened: Opened, working: Working, unswept: Settings, published: Published
) -> None:
    address = f"127.0.0.1:{free_port()}"
    working(unswept.model_copy(update={"expiration_metrics_address": address}))
    before = REGISTRY.get_sample_value("expiration_alarms_total", {"outcome": "fired"}) or 0
    async with opened(unswept) as expirations:
        await placed(expirations, due_in=timedelta(0))
        await published.next(ExpirationCompleted)

        async def told() -> bool:
            async with httpx.AsyncClient(trust_env=False) as http:
                metrics = (await http.get(f"http://{address}/metrics")).text
            return f'expiration_alarms_total{{outcome="fired"}} {before + 1}' in metrics

        await eventually(told)


async def test_a_worker_without_its_environment_says_what_is_missing() -> None:
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "arq", "expiration.jobs.Worker"),
        env={"PATH": os.environ["PATH"]},
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await worker.communicate()

    assert worker.returncode == 1
    assert said.decode().startswith("settings: ")
    assert "REDIS_URL" in said.decode()
    assert said.decode().count("\n") == 1


def environ(settings: Settings) -> dict[str, str]:
    """Give these settings as another process's environment."""
    own = {
        name.upper(): str(value.get_secret_value() if name == "jwt_key" else value)
        for name, value in settings
        if value is not None
    }
    return {**os.environ, **own}


@asynccontextmanager
async def stalling(
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
