"""What expiration can do: the one door for events, for alarms and for the sweep."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime, timedelta
from typing import Final

from prometheus_client import Counter

from common.batching import Grouped
from common.events import OrderStatus
from common.messaging.envelope import Message
from common.observability import tracing
from common.values.clock import Clock
from expiration.domain import Deadline, Status, heard_of
from expiration.store import DeadlineStore
from expiration.timers import Alarms

AHEAD: Final = timedelta(seconds=5)
"""How far before its time a deadline's alarm is checked; enough for several sweeps to fail."""
BATCH: Final = 200
SWEPT: Final = Counter("expiration_swept_total", "Deadlines that the sweep had to fire")
ALARMS_RESTORED: Final = Counter("expiration_alarms_restored_total", "Alarms that were lost")


class Expirations:
    """Everything that can be done with deadlines."""

    def __init__(self, store: DeadlineStore, alarms: Alarms, clock: Clock) -> None:
        self._store = store
        self._alarms = alarms
        self._clock = clock
        self._fire = Grouped(self._fire_with_all_due)

    async def follow_order(
        self, order_id: str, status: OrderStatus, *, expires_at: datetime, version: int
    ) -> None:
        """Note, move or clear the deadline of an order, and then its alarm."""
        deadline = await self._store.add_or_follow(
            heard_of(
                order_id,
                status,
                expires_at=expires_at,
                order_version=version,
                belongs=tracing.carried(),
            ),
            lambda known: known.follow(status, expires_at=expires_at, order_version=version),
        )
        if deadline.status is Status.WAITING:
            await self._alarms.set(order_id, deadline.expires_at, belongs=deadline.belongs)
        else:
            await self._alarms.drop(order_id)

    async def fire(self, order_id: str) -> timedelta | None:
        """Fire a deadline whose time is up; say how long to wait where it is not.

        Whatever else is due fires with it, in the same write, and its alarm need not ring: a
        rush of deadlines is then never later than the first of them.
        """
        deadline = await self._fire(order_id)
        if deadline is None or deadline.status is not Status.WAITING:
            return None
        return max(deadline.expires_at - self._clock(), timedelta(0))

    async def _fire_with_all_due(self, order_ids: Sequence[str]) -> list[Deadline | None]:
        now = self._clock()
        due = await anext(self._store.waiting(until=now, batch=BATCH), list[Deadline]())
        others = {deadline.id for deadline in due} - set(order_ids)
        fired = await self._fire_all([*order_ids, *others], now)
        await self._alarms.drop(*others)
        by_id = {deadline.id: deadline for deadline in fired}
        return [by_id.get(order_id) for order_id in order_ids]

    async def _fire_all(self, order_ids: Sequence[str], now: datetime) -> list[Deadline]:
        return await self._store.change_all(order_ids, lambda known: known.fire(now))

    async def fire_overdue(self, grace: timedelta) -> int:
        """Fire what no alarm has fired in time; say how many there were."""
        count = 0
        now = self._clock()
        async for overdue in self._store.waiting(until=now - grace, batch=BATCH):
            order_ids = [deadline.id for deadline in overdue]
            await self._fire_all(order_ids, now)
            await self._alarms.drop(*order_ids)
            count += len(overdue)
            SWEPT.inc(len(overdue))
        return count

    async def restore_alarms(self) -> int:
        """Set again the alarms of what comes due soon, where they were lost; say how many."""
        count = 0
        async for soon in self._store.waiting(until=self._clock() + AHEAD, batch=BATCH):
            known = {deadline.id: deadline for deadline in soon}
            lost = [known[order_id] for order_id in await self._alarms.missing(list(known))]
            await asyncio.gather(
                *(self._alarms.set(one.id, one.expires_at, belongs=one.belongs) for one in lost)
            )
            count += len(lost)
            ALARMS_RESTORED.inc(len(lost))
        return count

    def states(self) -> AsyncGenerator[Message]:
        """Go through every deadline that has fired as the event that told of it."""
        return self._store.states(Deadline.told)
