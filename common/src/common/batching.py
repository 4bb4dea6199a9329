"""Doing together what is asked at the same moment: many items, one command, each its own outcome.

The field calls it group commit for writes, and a data loader for reads. A quiet service does not
wait on purpose: what comes while a command is under way goes into the next one. Where company came
by itself, the next group is given a moment for more (`PACE`): one command for ten costs a third of
three for ten, so that under load waiting a little is sooner than computing more. And what nobody
looks at yet may always linger. A full command waits for nothing. An item never joins a command that
was sent before it came, so a read still sees every write that was answered before it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

from common.errors import ServiceUnavailable
from common.observability import tracing

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

MAX_BATCH_SIZE: Final = 100
"""Items in one command; past that a command's own time grows faster than it saves."""
IN_FLIGHT: Final = 2
MIN_BATCH_INTERVAL_SECONDS: Final = 0.02
"""Seconds from one command to the next, where one had company and nobody chose otherwise."""
MAX_PENDING: Final = 2_000
"""Items that may wait; beyond, the answer is 503 at once instead of a time-out later."""


class Batcher(Generic[Item, Outcome]):
    """One kind of command that takes many items."""

    def __init__(
        self,
        command: Callable[[Sequence[Item]], Awaitable[Sequence[Outcome | Exception]]],
        *,
        max_delay: float = 0,
        min_interval: float = MIN_BATCH_INTERVAL_SECONDS,
    ) -> None:
        """Take the command.

        Args:
            command: from items to their outcomes, or what went wrong, in their order.
            max_delay: seconds that the first of a group waits for others.
            min_interval: seconds from one command to the next, where one had company.
        """
        self._command = command
        self._max_delay = max_delay
        self._min_interval = min_interval
        self._name = f"{getattr(command, '__name__', 'command')} batch".strip("_")
        self._pending: deque[tuple[Item, asyncio.Future[Outcome]]] = deque()
        self._in_flight: set[asyncio.Task[None]] = set()
        self._timer: asyncio.Handle | None = None
        self._flush_at = 0.0
        self._earliest_flush = 0.0

    async def __call__(self, item: Item) -> Outcome:
        """Have one item done, with whatever else is there to be done.

        Raises:
            Unavailable: too much is waiting already.
            Exception: what went wrong with this item, or with the whole command.
        """
        if len(self._pending) >= MAX_PENDING:
            raise ServiceUnavailable(retry_after=1)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        self._pending.append((item, future))
        self._schedule()
        with tracing.span(self._name):
            return await future

    def _schedule(self) -> None:
        if not self._pending or len(self._in_flight) >= IN_FLIGHT:
            return
        loop = asyncio.get_running_loop()
        is_full = len(self._pending) >= MAX_BATCH_SIZE
        if self._timer is not None:
            if not is_full or self._flush_at <= loop.time():
                return
            self._timer.cancel()
        # Never at once: what else comes in this turn of the loop goes along.
        self._flush_at = (
            loop.time() if is_full else max(loop.time() + self._max_delay, self._earliest_flush)
        )
        self._timer = loop.call_at(self._flush_at, self._flush)

    def _flush(self) -> None:
        self._timer = None
        while self._pending and len(self._in_flight) < IN_FLIGHT:
            count = min(MAX_BATCH_SIZE, len(self._pending))
            batch = [self._pending.popleft() for _ in range(count)]
            self._earliest_flush = (
                asyncio.get_running_loop().time() + self._min_interval if count > 1 else 0
            )
            task = asyncio.create_task(self._run_batch(batch))
            self._in_flight.add(task)
            task.add_done_callback(self._on_batch_done)

    def _on_batch_done(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        self._schedule()

    async def _run_batch(self, batch: Sequence[tuple[Item, asyncio.Future[Outcome]]]) -> None:
        try:
            outcomes = await self._command([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - it is told to everyone who waits for it
            outcomes = [error] * len(batch)
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            if future.done():  # its request was given up meanwhile
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
