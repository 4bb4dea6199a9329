"""The worker: `arq expiration.jobs.Worker` runs the alarms, with the service's own environment.

arq forgets a job whose function raises, so whatever goes wrong is a `Retry` with a growing delay;
behind the last one stands the sweep. No result is kept: it would block the id.
"""

import asyncio
import logging
import math
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any, Final

import structlog
import uvloop
from arq import func
from arq.connections import ArqRedis
from arq.worker import Retry
from prometheus_client import Counter, start_http_server
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry as RedisRetry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from common.app import Service
from common.observability import tracing
from common.values.clock import Clock
from expiration import timers
from expiration.service import Expirations
from expiration.settings import Settings
from expiration.store import DeadlineDocument, DeadlineStore
from expiration.timers import FUNCTION, deserialize, queue_name, serialize

log = structlog.get_logger("jobs")

POLL_SECONDS: Final = 0.1
"""arq's own half a second would be a quarter of the two seconds that an order may be late."""
MAX_JOBS: Final = 100
"""arq starts at most this many per poll: with its own 10 a rush of orders would be hours late."""
JOB_SECONDS: Final = 10
"""A killed worker's jobs are parked for this and ten more; the sweep fires them long before."""
FIRE_SECONDS: Final = 9.0
"""What takes longer is tried again; what arq itself cuts off, it forgets."""
MAX_TRIES: Final = 12
MAX_DELAY: Final = 30.0
HEALTH_SECONDS: Final = 15
SILENCE: Final = 1.0
"""Seconds that Redis may take to answer."""
REDIS_RETRIES: Final = 5
"""Rides out four seconds without Redis, or a minute of its silence; after a longer absence the
process ends, and its keeper restarts it. Without `retry_on_error` redis-py would try again neither
a command nor a refused connection."""
ALARMS: Final = Counter("expiration_alarms_total", "Alarms that rang, by outcome", ["outcome"])
for _outcome in ("fired", "early", "failed"):  # 0 from the start: Prometheus sees no first step
    ALARMS.labels(_outcome)


async def fire(
    ctx: dict[Any, Any], order_id: str, carried: Mapping[str, str] | None = None
) -> None:
    """Fire the deadline of one order; look again later when it is not due, or it fails."""
    expirations: Expirations = ctx["expirations"]
    attempt: int = ctx["job_try"]
    try:
        with tracing.processing(FUNCTION, carried or {}, "worker", attempt, system="arq"):
            async with asyncio.timeout(FIRE_SECONDS):
                wait = await expirations.fire(order_id)
    except Exception as error:
        delay = min(0.2 * 2 ** (ctx["job_try"] - 1), MAX_DELAY)
        log.warning("cannot fire, trying again", order=order_id, error=repr(error), delay=delay)
        ALARMS.labels("failed").inc()
        raise Retry(defer=delay) from error
    ALARMS.labels("fired" if wait is None else "early").inc()
    if wait is not None:
        raise Retry(defer=math.ceil(wait.total_seconds() * 1000) / 1000)


def worker(settings: Settings, clock: Clock | None = None) -> dict[str, Any]:
    """Give the settings of an arq worker that runs the alarms."""
    opened = AsyncExitStack()

    async def on_startup(ctx: dict[Any, Any]) -> None:
        service = Service.configured("expiration", settings, clock)
        arq_log = logging.getLogger("arq")
        arq_log.handlers.clear()  # arq's command line set its own, not in our format
        arq_log.setLevel(logging.ERROR)  # below, it tells of every job, and of those dropped
        running = await opened.enter_async_context(service.running([DeadlineDocument]))
        connected = await opened.enter_async_context(timers.connected(settings))
        store = DeadlineStore(running.relay, running.clock)
        ctx["expirations"] = Expirations(store, connected, running.clock)
        if settings.expiration_metrics_address:
            host, _, port = settings.expiration_metrics_address.rpartition(":")
            server, _ = start_http_server(int(port), host)
            opened.callback(server.server_close)
            opened.callback(server.shutdown)

    async def on_shutdown(_: dict[Any, Any]) -> None:
        await opened.aclose()

    pool = ConnectionPool.from_url(
        settings.redis_url,
        socket_connect_timeout=SILENCE,
        socket_timeout=SILENCE,
        retry=RedisRetry(ExponentialBackoff(cap=1, base=0.25), REDIS_RETRIES),
        retry_on_error=[RedisConnectionError, RedisTimeoutError, OSError],
    )
    return {
        "functions": [func(fire, name=FUNCTION)],
        "queue_name": queue_name(settings),
        "redis_pool": ArqRedis(pool),  # arq's own has no limit to a read
        "on_startup": on_startup,
        "on_shutdown": on_shutdown,
        "poll_delay": POLL_SECONDS,
        "max_jobs": MAX_JOBS,
        "max_tries": MAX_TRIES,
        "job_timeout": JOB_SECONDS,
        "job_completion_wait": math.ceil(settings.drain_seconds),
        "keep_result": 0,
        "health_check_interval": HEALTH_SECONDS,
        "job_serializer": serialize,
        "job_deserializer": deserialize,
    }


def __getattr__(name: str) -> dict[str, Any]:
    """Make `Worker` when arq asks for it: importing this file reads no environment."""
    if name != "Worker":
        raise AttributeError(name)
    asyncio.set_event_loop(uvloop.new_event_loop())  # the one that arq will take
    return worker(Settings.from_environment())
