"""The arq worker that runs expiration jobs: `arq expiration.jobs.Worker`.

arq drops a job that raises, so every failure becomes a `Retry` with a growing delay. If the last
retry fails, the sweeper expires the order. arq stores no job result, because a stored result would
block the job id.
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
from expiration.service import ExpirationService
from expiration.settings import Settings
from expiration.store import DeadlineDocument, DeadlineStore
from expiration.timers import JOB_NAME, connect, deserialize, queue_name, serialize

log = structlog.get_logger("jobs")

POLL_INTERVAL_SECONDS: Final = 0.1
"""arq's default of 0.5 s is a quarter of the two seconds that an order may expire late."""
MAX_JOBS: Final = 100
"""Jobs that arq starts per poll. With its default of 10 a burst of orders expires hours late."""
JOB_TIMEOUT_SECONDS: Final = 10
"""arq withholds a killed worker's jobs for this and ten more. The sweeper is much faster."""
HANDLER_TIMEOUT_SECONDS: Final = 9.0
"""Shorter than arq's own timeout, because arq drops a job that it times out."""
MAX_TRIES: Final = 12
MAX_RETRY_DELAY_SECONDS: Final = 30.0
HEALTH_CHECK_INTERVAL_SECONDS: Final = 15
REDIS_TIMEOUT_SECONDS: Final = 1.0
REDIS_RETRIES: Final = 5
"""Enough for four seconds of refused connections or a minute of timeouts. After that the worker
exits, and its supervisor restarts it. redis-py retries only the errors in `retry_on_error`."""
TIMERS_RUN: Final = Counter(
    "expiration_timers_total", "Expiration timers run, by outcome", ["outcome"]
)
for _outcome in ("fired", "early", "failed"):  # start at 0, so that Prometheus sees the first one
    TIMERS_RUN.labels(_outcome)


async def expire_order(
    ctx: dict[Any, Any], order_id: str, trace_headers: Mapping[str, str] | None = None
) -> None:
    """Expire one order if it is due, and otherwise or on failure run again later."""
    expirations: ExpirationService = ctx["expirations"]
    attempt: int = ctx["job_try"]
    try:
        with tracing.processing(JOB_NAME, trace_headers or {}, "worker", attempt, system="arq"):
            async with asyncio.timeout(HANDLER_TIMEOUT_SECONDS):
                wait = await expirations.expire(order_id)
    except Exception as error:
        delay = min(0.2 * 2 ** (attempt - 1), MAX_RETRY_DELAY_SECONDS)
        log.warning(
            "expiration job failed, retrying", order=order_id, error=repr(error), delay=delay
        )
        TIMERS_RUN.labels("failed").inc()
        raise Retry(defer=delay) from error
    TIMERS_RUN.labels("fired" if wait is None else "early").inc()
    if wait is not None:
        raise Retry(defer=math.ceil(wait.total_seconds() * 1000) / 1000)


def worker_settings(settings: Settings, clock: Clock | None = None) -> dict[str, Any]:
    """Return the settings of the arq worker."""
    exit_stack = AsyncExitStack()

    async def on_startup(ctx: dict[Any, Any]) -> None:
        service = Service.from_settings("expiration", settings, clock)
        arq_log = logging.getLogger("arq")
        arq_log.handlers.clear()  # set by arq's command line, not in our format
        arq_log.setLevel(logging.ERROR)  # arq logs every job at lower levels
        running = await exit_stack.enter_async_context(service.open([DeadlineDocument]))
        timers = await exit_stack.enter_async_context(connect(settings))
        store = DeadlineStore(running.relay, running.clock)
        ctx["expirations"] = ExpirationService(store, timers, running.clock)
        if settings.expiration_metrics_address:
            host, _, port = settings.expiration_metrics_address.rpartition(":")
            server, _ = start_http_server(int(port), host)
            exit_stack.callback(server.server_close)
            exit_stack.callback(server.shutdown)

    async def on_shutdown(_: dict[Any, Any]) -> None:
        await exit_stack.aclose()

    pool = ConnectionPool.from_url(
        settings.redis_url,
        password=settings.redis_password.get_secret_value() or None,
        socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
        socket_timeout=REDIS_TIMEOUT_SECONDS,
        retry=RedisRetry(ExponentialBackoff(cap=1, base=0.25), REDIS_RETRIES),
        retry_on_error=[RedisConnectionError, RedisTimeoutError, OSError],
    )
    return {
        "functions": [func(expire_order, name=JOB_NAME)],
        "queue_name": queue_name(settings),
        "redis_pool": ArqRedis(pool),  # arq's own pool has no read timeout
        "on_startup": on_startup,
        "on_shutdown": on_shutdown,
        "poll_delay": POLL_INTERVAL_SECONDS,
        "max_jobs": MAX_JOBS,
        "max_tries": MAX_TRIES,
        "job_timeout": JOB_TIMEOUT_SECONDS,
        "job_completion_wait": math.ceil(settings.drain_seconds),
        "keep_result": 0,
        "health_check_interval": HEALTH_CHECK_INTERVAL_SECONDS,
        "job_serializer": serialize,
        "job_deserializer": deserialize,
    }


def __getattr__(name: str) -> dict[str, Any]:
    """Create `Worker` on first access, so that importing this module reads no environment."""
    if name != "Worker":
        raise AttributeError(name)
    asyncio.set_event_loop(uvloop.new_event_loop())  # arq uses the current loop
    return worker_settings(Settings.from_environment())
