"""What expiration can do: the one door for events, for alarms and for the sweep."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from typing import Final

from prometheus_client import Counter

from common.bus import Message
from common.clock import Clock
from common.events import OrderStatus
from expiration.alarms import Alarms
from expiration.domain import Deadline, Status, heard_of
from expiration.store import DeadlineStore

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

    async def follow_order(
        self, order_id: str, status: OrderStatus, *, expires_at: datetime, version: int
    ) -> None:
        """Note, move or clear the deadline of an order, and then its alarm."""
        deadline = await self._store.add_or_change(
            heard_of(order_id, status, expires_at=expires_at, order_version=version),
            lambda known: known.follow(status, expires_at=expires_at, order_version=version),
        )
        if deadline.status is Status.WAITING:
            await self._alarms.set(order_id, deadline.expires_at)
        else:
            await self._alarms.drop(order_id)

    async def fire(self, order_id: str) -> timedelta | None:
        """Fire a deadline whose time is up; say how long to wait where it is not."""
        now = self._clock()
        deadline = await self._store.change(order_id, lambda known: known.fire(now))
        return deadline.expires_at - now if deadline.status is Status.WAITING else None

    async def fire_overdue(self, grace: timedelta) -> int:
        """Fire what no alarm has fired in time; say how many there were.

        Raises:
            ExceptionGroup: some could not be fired; all the others were.
        """
        count = 0
        failures: list[Exception] = []
        async for overdue in self._store.waiting(until=self._clock() - grace, batch=BATCH):
            outcomes = await asyncio.gather(
                *(self.fire(deadline.id) for deadline in overdue), return_exceptions=True
            )
            failed = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
            failures += failed
            count += len(overdue) - len(failed)
        SWEPT.inc(count)
        if failures:
            raise ExceptionGroup("not fired", failures)
        return count

    async def restore_alarms(self) -> int:
        """Set again the alarms of what comes due soon, where they were lost; say how many."""
        count = 0
        async for soon in self._store.waiting(until=self._clock() + AHEAD, batch=BATCH):
            at = {deadline.id: deadline.expires_at for deadline in soon}
            lost = await self._alarms.missing(list(at))
            await asyncio.gather(*(self._alarms.set(order_id, at[order_id]) for order_id in lost))
            count += len(lost)
            ALARMS_RESTORED.inc(len(lost))
        return count

    def states(self) -> AsyncGenerator[Message]:
        """Go through every deadline that has fired as the event that told of it."""
        return self._store.states(Deadline.told)
