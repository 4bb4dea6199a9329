"""Batch concurrent operations into one command, each with its own result.

For writes this is known as group commit, for reads as a data loader. Items that arrive while a
command is running are sent with the next one. An item never joins a command that was sent before
it arrived, so a read sees every write that was acknowledged before it.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

from common.errors import ServiceUnavailable
from common.observability import tracing

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

MAX_BATCH_SIZE: Final = 100
"""Beyond this, a command's own duration grows faster than batching saves."""
MIN_BATCH_INTERVAL_SECONDS: Final = 0.02
MAX_PENDING: Final = 2_000
"""Items that may wait. Beyond, a caller gets 503 immediately instead of a timeout later."""


class Batcher(Generic[Item, Outcome]):
    """Runs one kind of command on batches of items, one batch at a time."""

    def __init__(
        self,
        command: Callable[[Sequence[Item]], Awaitable[Sequence[Outcome | Exception]]],
        *,
        max_delay: float = 0,
        min_interval: float = MIN_BATCH_INTERVAL_SECONDS,
    ) -> None:
        """Create a batcher. A full batch is sent without either delay.

        Args:
            command: returns the outcome of each item, or its error, in the order of the items.
            max_delay: seconds that the first item of a batch waits for others.
            min_interval: seconds between the starts of two batches if the first of them held more
                than one item, so that under load batches grow instead of their number.
        """
        self._command = command
        self._max_delay = max_delay
        self._min_interval = min_interval
        self._name = f"{getattr(command, '__name__', 'command')} batch".strip("_")
        self._pending: deque[tuple[Item, asyncio.Future[Outcome]]] = deque()
        self._is_full = asyncio.Event()
        self._earliest_start = 0.0
        self._worker: asyncio.Task[None] | None = None

    async def __call__(self, item: Item) -> Outcome:
        """Run the command on one item, together with the others that are waiting.

        Raises:
            ServiceUnavailable: too many items are waiting.
            Exception: the error of this item, or of the whole command.
        """
        if len(self._pending) >= MAX_PENDING:
            raise ServiceUnavailable(retry_after=1)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._pending.append((item, future))
        if len(self._pending) >= MAX_BATCH_SIZE:
            self._is_full.set()
        if self._worker is None or self._worker.done():
            # The task starts in the next turn of the loop: the other items of this turn join.
            self._worker = asyncio.create_task(self._run_batches())
        with tracing.span(self._name):
            return await future

    async def _run_batches(self) -> None:
        while self._pending:
            await self._wait_for_more()
            batch = [
                self._pending.popleft() for _ in range(min(MAX_BATCH_SIZE, len(self._pending)))
            ]
            if len(self._pending) < MAX_BATCH_SIZE:
                self._is_full.clear()
            await self._run_batch(batch)

    async def _wait_for_more(self) -> None:
        now = asyncio.get_running_loop().time()
        start = max(now + self._max_delay, self._earliest_start)
        if start > now and not self._is_full.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(start):
                    await self._is_full.wait()

    async def _run_batch(self, batch: Sequence[tuple[Item, asyncio.Future[Outcome]]]) -> None:
        if len(batch) > 1:
            self._earliest_start = asyncio.get_running_loop().time() + self._min_interval
        try:
            outcomes = await self._command([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - every caller gets it
            outcomes = [error] * len(batch)
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            if future.done():  # its caller was cancelled
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
