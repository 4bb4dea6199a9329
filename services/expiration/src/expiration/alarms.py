"""Alarms in Redis: delayed arq jobs, one per order, that the worker (`expiration.jobs`) runs.

An alarm makes a deadline fire on time; that it fires at all rests on the row in MongoDB and the
sweep. So nothing here fails when Redis is away: an alarm that could not be set is the sweep's.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

import structlog
from arq import ArqRedis
from arq.constants import job_key_prefix, retry_key_prefix
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

from common import tracing
from expiration.settings import Settings

log = structlog.get_logger("alarms")

FUNCTION: Final = "fire"
PATIENCE: Final = 1.0
"""Seconds that Redis may take; a listener is not to wait for it."""
_AWAY: Final = (RedisError, OSError, TimeoutError)


def queue_name(settings: Settings) -> str:
    """Name the queue as this system's namespace knows it."""
    return f"{settings.namespace or 'ticketing'}:expiration"


def serialize(job: dict[str, Any]) -> bytes:
    """Write a job as JSON; arq's own way, pickle, would run whatever Redis holds."""
    return json.dumps(job, default=repr).encode()


def deserialize(job: bytes) -> dict[str, Any]:
    """Read a job."""
    return json.loads(job)


class Alarms:
    """Sets and drops the alarms of deadlines."""

    def __init__(self, redis: ArqRedis) -> None:
        self._redis = redis
        self._queue = redis.default_queue_name

    async def set(
        self, order_id: str, at: datetime, *, belongs: Mapping[str, str] | None = None
    ) -> None:
        """Have this deadline looked at then; an alarm that is already set stays.

        Args:
            order_id: whose deadline.
            at: when.
            belongs: the request and the trace that the alarm is to go on with.
        """
        try:
            with tracing.publishing(FUNCTION, order_id, belongs or {}, system="arq"):
                carried = {**(belongs or {}), **tracing.carried()}
                async with asyncio.timeout(PATIENCE):
                    await self._redis.enqueue_job(
                        FUNCTION, order_id, carried, _job_id=order_id, _defer_until=at
                    )
        except _AWAY as error:
            log.warning("alarm not set, the sweep will", order=order_id, error=repr(error))

    async def drop(self, *order_ids: str) -> None:
        """Forget alarms.

        By their keys: arq's own `abort()` marks an id that has no job, and a later job of the
        same id would be born dead (python-arq/arq#485).
        """
        if not order_ids:
            return
        keys = [prefix + o for o in order_ids for prefix in (job_key_prefix, retry_key_prefix)]
        try:
            async with asyncio.timeout(PATIENCE), self._redis.pipeline(transaction=True) as pipe:
                pipe.zrem(self._queue, *order_ids)
                pipe.delete(*keys)
                await pipe.execute()
        except _AWAY as error:
            log.warning("alarms not dropped, they ring idly", orders=order_ids, error=repr(error))

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
