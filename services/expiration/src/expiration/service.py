"""What expiration can do: the one door for events, for alarms and for the sweep."""

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
"""How far before its time a deadline's alarm is checked; enough for several sweeps to fail."""
BATCH_SIZE: Final = 200
SWEPT: Final = Counter(
    "expiration_swept_total", "Deadlines expired by the sweeper instead of their timer"
)
TIMERS_RESTORED: Final = Counter(
    "expiration_timers_restored_total", "Lost expiration timers that were scheduled again"
)


class ExpirationService:
    """Everything that can be done with deadlines."""

    def __init__(self, store: DeadlineStore, timers: ExpirationTimers, clock: Clock) -> None:
        self._store = store
        self._timers = timers
        self._clock = clock
        self._expire_batched = Batcher(self._expire_all_due)

    async def apply_order(
        self, order_id: str, status: OrderStatus, *, expires_at: datetime, version: int
    ) -> None:
        """Note, move or clear the deadline of an order, and then its alarm."""
        deadline = await self._store.upsert(
            new_deadline(
                order_id,
                status,
                expires_at=expires_at,
                order_version=version,
                trace_headers=tracing.inject(),
            ),
            lambda known: known.apply_order(status, expires_at=expires_at, order_version=version),
        )
        if deadline.status is Status.WAITING:
            await self._timers.schedule(
                order_id, deadline.expires_at, trace_headers=deadline.trace_headers
            )
        else:
            await self._timers.cancel(order_id)

    async def expire(self, order_id: str) -> timedelta | None:
        """Fire a deadline whose time is up; say how long to wait where it is not.

        Whatever else is due fires with it, in the same write, and its alarm need not ring: a
        rush of deadlines is then never later than the first of them.
        """
        deadline = await self._expire_batched(order_id)
        if deadline is None or deadline.status is not Status.WAITING:
            return None
        return max(deadline.expires_at - self._clock(), timedelta(0))

    async def _expire_all_due(self, order_ids: Sequence[str]) -> list[Deadline | None]:
        now = self._clock()
        due = await anext(self._store.iter_due(until=now, batch=BATCH_SIZE), list[Deadline]())
        others = {deadline.id for deadline in due} - set(order_ids)
        expired = await self._expire_all([*order_ids, *others], now)
        await self._timers.cancel(*others)
        by_id = {deadline.id: deadline for deadline in expired}
        return [by_id.get(order_id) for order_id in order_ids]

    async def _expire_all(self, order_ids: Sequence[str], now: datetime) -> list[Deadline]:
        return await self._store.update_many(order_ids, lambda known: known.expire(now))

    async def expire_overdue(self, grace: timedelta) -> int:
        """Fire what no alarm has fired in time; say how many there were."""
        count = 0
        now = self._clock()
        async for overdue in self._store.iter_due(until=now - grace, batch=BATCH_SIZE):
            order_ids = [deadline.id for deadline in overdue]
            await self._expire_all(order_ids, now)
            await self._timers.cancel(*order_ids)
            count += len(overdue)
            SWEPT.inc(len(overdue))
        return count

    async def restore_timers(self) -> int:
        """Set again the alarms of what comes due soon, where they were lost; say how many."""
        count = 0
        async for soon in self._store.iter_due(
            until=self._clock() + TIMER_CHECK_WINDOW, batch=BATCH_SIZE
        ):
            by_id = {deadline.id: deadline for deadline in soon}
            lost = [by_id[order_id] for order_id in await self._timers.find_missing(list(by_id))]
            await asyncio.gather(
                *(
                    self._timers.schedule(
                        deadline.id, deadline.expires_at, trace_headers=deadline.trace_headers
                    )
                    for deadline in lost
                )
            )
            count += len(lost)
            TIMERS_RESTORED.inc(len(lost))
        return count

    def snapshot_events(self) -> AsyncGenerator[EventEnvelope]:
        """Go through every deadline that has fired as the event that told of it."""
        return self._store.snapshot_events(Deadline.to_event)
