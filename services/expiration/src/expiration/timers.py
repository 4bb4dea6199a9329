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

from common.batching import Grouped
from common.errors import Unavailable
from common.observability import tracing
from expiration.settings import Settings

log = structlog.get_logger("alarms")

FUNCTION: Final = "fire"
PATIENCE: Final = 1.0
"""Seconds that Redis may take; a listener is not to wait for it."""
_AWAY: Final = (RedisError, OSError, TimeoutError, Unavailable)


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
class _Alarm:
    order_id: str
    at_ms: int
    job: bytes


class Alarms:
    """Sets and drops the alarms of deadlines; those of the same moment in one command."""

    def __init__(self, redis: ArqRedis) -> None:
        self._redis = redis
        self._queue = redis.default_queue_name
        self._set = Grouped(self._set_all)
        self._drop = Grouped(self._drop_all)

    async def set(
        self, order_id: str, at: datetime, *, belongs: Mapping[str, str] | None = None
    ) -> None:
        """Have this deadline looked at then; an alarm that is already set stays.

        Args:
            order_id: whose deadline.
            at: when.
            belongs: the request and the trace that the alarm is to go on with.
        """
        with tracing.publishing(FUNCTION, order_id, belongs or {}, system="arq"):
            carried = {**(belongs or {}), **tracing.carried()}
            args = (order_id, carried)
            job = serialize_job(FUNCTION, args, {}, None, timestamp_ms(), serializer=serialize)
            try:
                await self._set(_Alarm(order_id, to_unix_ms(at), job))
            except _AWAY as error:
                log.warning("alarm not set, the sweep will", order=order_id, error=repr(error))

    async def _set_all(self, alarms: Sequence[_Alarm]) -> Sequence[None]:
        """Do what arq's own `enqueue_job` does, which takes three round trips for one job."""
        now = timestamp_ms()
        async with asyncio.timeout(PATIENCE), self._redis.pipeline(transaction=True) as pipe:
            for alarm in alarms:
                kept_ms = max(0, alarm.at_ms - now) + self._redis.expires_extra_ms
                pipe.set(job_key_prefix + alarm.order_id, alarm.job, px=kept_ms, nx=True)
                pipe.zadd(self._queue, {alarm.order_id: alarm.at_ms}, nx=True)
            await pipe.execute()
        return [None] * len(alarms)

    async def drop(self, *order_ids: str) -> None:
        """Forget alarms.

        By their keys: arq's own `abort()` marks an id that has no job, and a later job of the
        same id would be born dead (python-arq/arq#485).
        """
        try:
            await asyncio.gather(*map(self._drop, order_ids))
        except _AWAY as error:
            log.warning("alarms not dropped, they ring idly", orders=order_ids, error=repr(error))

    async def _drop_all(self, order_ids: Sequence[str]) -> Sequence[None]:
        keys = [prefix + o for o in order_ids for prefix in (job_key_prefix, retry_key_prefix)]
        async with asyncio.timeout(PATIENCE), self._redis.pipeline(transaction=True) as pipe:
            pipe.zrem(self._queue, *order_ids)
            pipe.delete(*keys)
            await pipe.execute()
        return [None] * len(order_ids)

    async def missing(self, order_ids: Sequence[str]) -> list[str]:
        """Tell which of these have no alarm, for Redis was emptied or away; none when it is."""
        try:
            async with asyncio.timeout(PATIENCE), self._redis.pipeline(transaction=False) as pipe:
                for order_id in order_ids:
                    pipe.zscore(self._queue, order_id)
                scores = await pipe.execute()
        except _AWAY as error:
            log.warning("alarms not seen", error=repr(error))
            return []
        return [o for o, score in zip(order_ids, scores, strict=True) if score is None]


@asynccontextmanager
async def connected(settings: Settings) -> AsyncGenerator[Alarms]:
    """Have alarms at hand; Redis need not be there yet."""
    pool = ConnectionPool.from_url(settings.redis_url, socket_connect_timeout=PATIENCE)
    redis = ArqRedis(
        pool,
        job_serializer=serialize,
        job_deserializer=deserialize,
        default_queue_name=queue_name(settings),
    )
    try:
        yield Alarms(redis)
    finally:
        await redis.aclose(close_connection_pool=True)
