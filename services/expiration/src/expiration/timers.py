"""Expiration timers: one delayed arq job per order in Redis, run by `expiration.jobs`.

A timer makes an order expire on time. The document in MongoDB and the sweeper guarantee that it
expires at all, so nothing here raises when Redis is unavailable.
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
_REDIS_UNAVAILABLE: Final = (RedisError, OSError, TimeoutError, ServiceUnavailable)


def queue_name(settings: Settings) -> str:
    """Return the name of the arq queue in this deployment's namespace."""
    return f"{settings.namespace or 'ticketing'}:expiration"


def serialize(job: dict[str, Any]) -> bytes:
    """Serialize a job as JSON, because unpickling, arq's default, could execute code from Redis."""
    return json.dumps(job, default=repr).encode()


def deserialize(job: bytes) -> dict[str, Any]:
    """Parse a serialized job."""
    return json.loads(job)


@dataclass(frozen=True, slots=True)
class _Timer:
    order_id: str
    due_at_ms: int
    job: bytes


class ExpirationTimers:
    """Schedules and cancels timers, with concurrent calls batched into one Redis command."""

    def __init__(self, redis: ArqRedis) -> None:
        self._redis = redis
        self._queue = redis.default_queue_name
        self._schedule = Batcher(self._schedule_batch)
        self._cancel = Batcher(self._cancel_batch)

    async def schedule(
        self, order_id: str, due_at: datetime, *, trace_headers: Mapping[str, str] | None = None
    ) -> None:
        """Schedule the timer of an order, unless it has one.

        The job continues the request and the trace in `trace_headers`.
        """
        with tracing.publishing(JOB_NAME, order_id, trace_headers or {}, system="arq"):
            args = (order_id, {**(trace_headers or {}), **tracing.inject()})
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
        """Enqueue jobs like arq's `enqueue_job`, which takes three round trips per job."""
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
        """Delete the jobs by key.

        arq's `abort()` would also abort a later job of the same id (python-arq/arq#485).
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
        """Return the orders without a timer, or none if Redis is unavailable."""
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
    """Open the timers of this deployment. Redis need not be reachable yet."""
    pool = ConnectionPool.from_url(
        settings.redis_url,
        password=settings.redis_password.get_secret_value() or None,
        socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
    )
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
