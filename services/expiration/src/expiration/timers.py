"""Alarms in Redis: delayed arq jobs, one per order, that the worker (`expiration.jobs`) runs.

An alarm makes a deadline fire on time; that it fires at all rests on the row in MongoDB and the
sweep. So nothing here fails when Redis is away: an alarm that could not be set is the sweep's.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog
from arq import ArqRedis
from arq.constants import job_key_prefix, retry_key_prefix
from arq.jobs import serialize_job
from arq.utils import timestamp_ms, to_unix_ms
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

from common.batching import Batcher
from common.errors import ServiceUnavailable
from common.observability import tracing
from expiration.settings import Settings

log = structlog.get_logger("timers")

JOB_NAME: Final = "fire"
REDIS_TIMEOUT_SECONDS: Final = 1.0
"""Seconds that Redis may take; a listener is not to wait for it."""
_REDIS_UNAVAILABLE: Final = (RedisError, OSError, TimeoutError, ServiceUnavailable)


def queue_name(settings: Settings) -> str:
    """Name the queue as this system's namespace knows it."""
    return f"{settings.namespace or 'ticketing'}:expiration"


def serialize(job: dict[str, Any]) -> bytes:
    """Write a job as JSON; arq's own way, pickle, would run whatever Redis holds."""
    return json.dumps(job, default=repr).encode()


def deserialize(job: bytes) -> dict[str, Any]:
    """Read a job."""
    return json.loads(job)


@dataclass(frozen=True, slots=True)
class _Timer:
    order_id: str
    due_at_ms: int
    job: bytes


class ExpirationTimers:
    """Sets and drops the alarms of deadlines; those of the same moment in one command."""

    def __init__(self, redis: ArqRedis) -> None:
        self._redis = redis
        self._queue = redis.default_queue_name
        self._schedule = Batcher(self._schedule_batch)
        self._cancel = Batcher(self._cancel_batch)

    async def schedule(
        self, order_id: str, due_at: datetime, *, trace_headers: Mapping[str, str] | None = None
    ) -> None:
        """Have this deadline looked at then; an alarm that is already set stays.

        Args:
            order_id: whose deadline.
            due_at: when.
            trace_headers: the request and the trace that the alarm is to go on with.
        """
        with tracing.publishing(JOB_NAME, order_id, trace_headers or {}, system="arq"):
            job_headers = {**(trace_headers or {}), **tracing.inject()}
            args = (order_id, job_headers)
            job = serialize_job(JOB_NAME, args, {}, None, timestamp_ms(), serializer=serialize)
            try:
                await self._schedule(_Timer(order_id, to_unix_ms(due_at), job))
            except _REDIS_UNAVAILABLE as error:
                log.warning(
                    "could not schedule timer; the sweeper will retry",
                    order=order_id,
                    error=repr(error),
                )

    async def _schedule_batch(self, timers: Sequence[_Timer]) -> Sequence[None]:
        """Do what arq's own `enqueue_job` does, which takes three round trips for one job."""
        now = timestamp_ms()
        async with (
            asyncio.timeout(REDIS_TIMEOUT_SECONDS),
            self._redis.pipeline(transaction=True) as pipe,
        ):
            for timer in timers:
                ttl_ms = max(0, timer.due_at_ms - now) + self._redis.expires_extra_ms
                pipe.set(job_key_prefix + timer.order_id, timer.job, px=ttl_ms, nx=True)
                pipe.zadd(self._queue, {timer.order_id: timer.due_at_ms}, nx=True)
            await pipe.execute()
        return [None] * len(timers)

    async def cancel(self, *order_ids: str) -> None:
        """Forget alarms.

        By their keys: arq's own `abort()` marks an id that has no job, and a later job of the
        same id would be born dead (python-arq/arq#485).
        """
        try:
            await asyncio.gather(*map(self._cancel, order_ids))
        except _REDIS_UNAVAILABLE as error:
            log.warning(
                "timers not cancelled; they will run and do nothing",
                orders=order_ids,
                error=repr(error),
            )

    async def _cancel_batch(self, order_ids: Sequence[str]) -> Sequence[None]:
        keys = [prefix + o for o in order_ids for prefix in (job_key_prefix, retry_key_prefix)]
        async with (
            asyncio.timeout(REDIS_TIMEOUT_SECONDS),
            self._redis.pipeline(transaction=True) as pipe,
        ):
            pipe.zrem(self._queue, *order_ids)
            pipe.delete(*keys)
            await pipe.execute()
        return [None] * len(order_ids)

    async def find_missing(self, order_ids: Sequence[str]) -> list[str]:
        """Tell which of these have no alarm, for Redis was emptied or away; none when it is."""
        try:
            async with (
                asyncio.timeout(REDIS_TIMEOUT_SECONDS),
                self._redis.pipeline(transaction=False) as pipe,
            ):
                for order_id in order_ids:
                    pipe.zscore(self._queue, order_id)
                scores = await pipe.execute()
        except _REDIS_UNAVAILABLE as error:
            log.warning("could not read timers", error=repr(error))
            return []
        return [o for o, score in zip(order_ids, scores, strict=True) if score is None]


@asynccontextmanager
async def connect(settings: Settings) -> AsyncGenerator[ExpirationTimers]:
    """Have alarms at hand; Redis need not be there yet."""
    pool = ConnectionPool.from_url(settings.redis_url, socket_connect_timeout=REDIS_TIMEOUT_SECONDS)
    redis = ArqRedis(
        pool,
        job_serializer=serialize,
        job_deserializer=deserialize,
        default_queue_name=queue_name(settings),
    )
    try:
        yield ExpirationTimers(redis)
    finally:
        await redis.aclose(close_connection_pool=True)
