"""The jobs that expire orders, and the arq worker that runs them.

arq drops a job that raises, so every failure becomes a `Retry` with a growing delay. If the last
retry fails, the sweeper expires the order. arq stores no job result, because a stored result would
block the job id.
"""

import asyncio
import logging
import math
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog
from arq import func
from arq.connections import ArqRedis
from arq.worker import Retry, Worker
from prometheus_client import Counter
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry as RedisRetry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from common.availability import wait_until_available
from common.background import cancel
from common.observability import tracing
from expiration.service import ExpirationService
from expiration.settings import Settings
from expiration.timers import JOB_NAME, deserialize, queue_name, serialize

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
"""Enough for four seconds of refused connections. After that a new worker waits for Redis. redis-py
retries only the errors in `retry_on_error`."""
REDIS_ERRORS: Final = (RedisError, OSError, TimeoutError)
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


@asynccontextmanager
async def run_worker(expirations: ExpirationService, settings: Settings) -> AsyncGenerator[None]:
    """Run expiration jobs inside the block, and finish those in flight at its end.

    Waits until Redis is available, and again whenever it becomes unavailable.
    """
    logging.getLogger("arq").setLevel(logging.ERROR)  # arq logs every job at lower levels
    redis = ArqRedis(
        ConnectionPool.from_url(
            settings.redis_url,
            password=settings.redis_password.get_secret_value() or None,
            socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
            socket_timeout=REDIS_TIMEOUT_SECONDS,
            retry=RedisRetry(ExponentialBackoff(cap=1, base=0.25), REDIS_RETRIES),
            retry_on_error=[RedisConnectionError, RedisTimeoutError, OSError],
        )
    )

    async def ping() -> None:
        await redis.ping()

    async def create_worker() -> Worker:
        await wait_until_available("Redis", ping, _unavailability_reason)
        return Worker(
            [func(expire_order, name=JOB_NAME)],
            queue_name=queue_name(settings),
            redis_pool=redis,  # arq's own pool has no read timeout
            ctx={"expirations": expirations},
            handle_signals=False,
            poll_delay=POLL_INTERVAL_SECONDS,
            max_jobs=MAX_JOBS,
            max_tries=MAX_TRIES,
            job_timeout=JOB_TIMEOUT_SECONDS,
            keep_result=0,
            health_check_interval=HEALTH_CHECK_INTERVAL_SECONDS,
            job_serializer=serialize,
            job_deserializer=deserialize,
        )

    worker = await create_worker()

    async def run() -> None:
        nonlocal worker
        while True:
            try:
                await worker.async_run()
            except REDIS_ERRORS as error:
                log.warning("worker stopped, waiting for Redis", error=repr(error))
            worker = await create_worker()

    running = asyncio.create_task(run(), name="arq worker")
    try:
        yield
    finally:
        worker.allow_pick_jobs = False
        if worker.tasks:
            await asyncio.wait(set(worker.tasks.values()), timeout=settings.drain_seconds)
        await cancel(running)
        try:
            await worker.close()
        except REDIS_ERRORS as error:
            log.warning("worker not closed", error=repr(error))


def _unavailability_reason(error: Exception) -> str | None:
    return repr(error) if isinstance(error, REDIS_ERRORS) else None
