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

from common.errors import Unavailable
from common.observability import tracing

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

MOST: Final = 100
"""Items in one command; past that a command's own time grows faster than it saves."""
IN_FLIGHT: Final = 2
PACE: Final = 0.02
"""Seconds from one command to the next, where one had company and nobody chose otherwise."""
MAX_WAITING: Final = 2_000
"""Items that may wait; beyond, the answer is 503 at once instead of a time-out later."""


class Grouped(Generic[Item, Outcome]):
    """One kind of command that takes many items."""

    def __init__(
        self,
        command: Callable[[Sequence[Item]], Awaitable[Sequence[Outcome | Exception]]],
        *,
        linger: float = 0,
        pace: float = PACE,
    ) -> None:
        """Take the command.

        Args:
            command: from items to their outcomes, or what went wrong, in their order.
            linger: seconds that the first of a group waits for others.
            pace: seconds from one command to the next, where one had company.
        """
        self._command = command
        self._linger = linger
        self._pace = pace
        self._name = f"{getattr(command, '__name__', 'do')} together".strip("_")
        self._waiting: deque[tuple[Item, asyncio.Future[Outcome]]] = deque()
        self._in_flight: set[asyncio.Task[None]] = set()
        self._timer: asyncio.Handle | None = None
        self._due = 0.0
        self._next = 0.0

    async def __call__(self, item: Item) -> Outcome:
        """Have one item done, with whatever else is there to be done.

        Raises:
            Unavailable: too much is waiting already.
            Exception: what went wrong with this item, or with the whole command.
        """
        if len(self._waiting) >= MAX_WAITING:
            raise Unavailable(retry_after=1)
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[Outcome] = loop.create_future()
        self._waiting.append((item, outcome))
        self._call()
        with tracing.span(self._name):
            return await outcome

    def _call(self) -> None:
        if not self._waiting or len(self._in_flight) >= IN_FLIGHT:
            return
        loop = asyncio.get_running_loop()
        full = len(self._waiting) >= MOST
        if self._timer is not None:
            if not full or self._due <= loop.time():
                return
            self._timer.cancel()
        # Never at once: what else comes in this turn of the loop goes along.
        self._due = loop.time() if full else max(loop.time() + self._linger, self._next)
        self._timer = loop.call_at(self._due, self._send)

    def _send(self) -> None:
        self._timer = None
        while self._waiting and len(self._in_flight) < IN_FLIGHT:
            count = min(MOST, len(self._waiting))
            group = [self._waiting.popleft() for _ in range(count)]
            self._next = asyncio.get_running_loop().time() + self._pace if count > 1 else 0
            task = asyncio.create_task(self._do(group))
            self._in_flight.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        self._call()

    async def _do(self, group: Sequence[tuple[Item, asyncio.Future[Outcome]]]) -> None:
        try:
            outcomes = await self._command([item for item, _ in group])
        except Exception as error:  # noqa: BLE001 - it is told to everyone who waits for it
            outcomes = [error] * len(group)
        for (_, waiting), outcome in zip(group, outcomes, strict=True):
            if waiting.done():  # its request was given up meanwhile
                continue
            if isinstance(outcome, Exception):
                waiting.set_exception(outcome)
            else:
                waiting.set_result(outcome)
