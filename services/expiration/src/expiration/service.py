"""The expiration application service, called by listeners, expiration jobs and the sweeper."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime, timedelta
from typing import Final

from prometheus_client import Counter

from common.batching import Batcher
from common.events import OrderStatus
from common.messaging.envelope import EventEnvelope
from common.observability import tracing
from common.values.clock import Clock
from expiration.domain import Deadline, Status, new_deadline
from expiration.store import DeadlineStore
from expiration.timers import ExpirationTimers

TIMER_CHECK_WINDOW: Final = timedelta(seconds=5)
"""How long before a deadline its timer is checked, which leaves time for several failed sweeps."""
BATCH_SIZE: Final = 200
SWEPT: Final = Counter(
    "expiration_swept_total", "Deadlines expired by the sweeper instead of their timer"
)
TIMERS_RESTORED: Final = Counter(
    "expiration_timers_restored_total", "Lost expiration timers that were scheduled again"
)


class ExpirationService:
    """Schedules, clears and expires deadlines."""

    def __init__(self, store: DeadlineStore, timers: ExpirationTimers, clock: Clock) -> None:
        self._store = store
        self._timers = timers
        self._clock = clock
        self._expire_batched = Batcher(self._expire_all_due)

    async def apply_order(
        self, order_id: str, status: OrderStatus, *, expires_at: datetime, version: int
    ) -> None:
        """Create, move or clear the deadline of an order, and then its timer."""
        deadline = await self._store.upsert(
            new_deadline(
                order_id,
                status,
                expires_at=expires_at,
                order_version=version,
                trace_headers=tracing.inject(),
            ),
            lambda deadline: deadline.apply_order(
                status, expires_at=expires_at, order_version=version
            ),
        )
        if deadline.status is Status.WAITING:
            await self._schedule_timer(deadline)
        else:
            await self._timers.cancel(order_id)

    async def expire(self, order_id: str) -> timedelta | None:
        """Expire an order if it is due, and otherwise return the time left.

        Every other due order expires in the same write and its timer is cancelled, so that a burst
        of deadlines is not delayed by the number of jobs.
        """
        deadline = await self._expire_batched(order_id)
        if deadline is None or deadline.status is not Status.WAITING:
            return None
        return max(deadline.expires_at - self._clock(), timedelta(0))

    async def _expire_all_due(self, order_ids: Sequence[str]) -> list[Deadline | None]:
        now = self._clock()
        due = await anext(self._store.iter_due(until=now, batch=BATCH_SIZE), list[Deadline]())
        others = {deadline.id for deadline in due} - set(order_ids)
        expired = await self._store.update_many(
            [*order_ids, *others], lambda deadline: deadline.expire(now)
        )
        await self._timers.cancel(*others)
        by_id = {deadline.id: deadline for deadline in expired}
        return [by_id.get(order_id) for order_id in order_ids]

    async def expire_overdue(self, grace: timedelta) -> int:
        """Expire every order that is overdue by the grace period, and return their number."""
        count = 0
        now = self._clock()
        async for overdue in self._store.iter_due(until=now - grace, batch=BATCH_SIZE):
            order_ids = [deadline.id for deadline in overdue]
            await self._store.update_many(order_ids, lambda deadline: deadline.expire(now))
            await self._timers.cancel(*order_ids)
            count += len(overdue)
            SWEPT.inc(len(overdue))
        return count

    async def restore_timers(self) -> int:
        """Schedule the missing timers of deadlines that are due soon, and return their number."""
        count = 0
        until = self._clock() + TIMER_CHECK_WINDOW
        async for soon in self._store.iter_due(until=until, batch=BATCH_SIZE):
            by_id = {deadline.id: deadline for deadline in soon}
            lost = await self._timers.find_missing(list(by_id))
            await asyncio.gather(*(self._schedule_timer(by_id[order_id]) for order_id in lost))
            count += len(lost)
            TIMERS_RESTORED.inc(len(lost))
        return count

    def snapshot_events(self) -> AsyncGenerator[EventEnvelope]:
        """Generate the event of every expired deadline."""
        return self._store.snapshot_events(Deadline.to_event)

    async def _schedule_timer(self, deadline: Deadline) -> None:
        await self._timers.schedule(
            deadline.id, deadline.expires_at, trace_headers=deadline.trace_headers
        )
