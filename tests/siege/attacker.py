"""The attacker: a process of its own, which uses at most half a core."""

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from common.testing.raw_http import RawConnection, RawResponse, request_bytes

MAX_CPU_SHARE: Final = 0.5
"""The share of one core that an attacker may use."""
RECONNECT_SECONDS: Final = 0.2
NO_RESPONSE: Final = "none"

Facts = dict[str, Any]
"""What an attack was prepared with, or has observed."""


@dataclass(frozen=True)
class Target:
    """The system to attack, and how."""

    port: int
    addresses: tuple[str, ...]
    """The addresses of this machine that the attacker sends from."""
    seconds: float
    facts: Facts


@dataclass
class AttackReport:
    """What the attacker has sent and received."""

    statuses: Counter[str] = field(default_factory=Counter[str])
    """Responses by status; `none` counts connections that were closed without one."""
    observed: Facts = field(default_factory=Facts)
    cpu_share: float = 0.0


class CpuBudget:
    """Keeps this process below its share of a core."""

    def __init__(self, share: float = MAX_CPU_SHARE) -> None:
        self._share = share
        self._started = time.monotonic()
        self._cpu_at_start = time.process_time()

    @property
    def used_share(self) -> float:
        """The share of a core used since the start."""
        elapsed = time.monotonic() - self._started
        return (time.process_time() - self._cpu_at_start) / elapsed if elapsed else 0.0

    async def wait(self) -> None:
        """Wait until the process may continue."""
        while (excess := self._excess_seconds()) > 0:  # noqa: ASYNC110 - no event ends the wait
            await asyncio.sleep(excess / self._share * random.uniform(1, 2))

    def _excess_seconds(self) -> float:
        elapsed = time.monotonic() - self._started
        return time.process_time() - self._cpu_at_start - self._share * elapsed


class Attacker:
    """The state of an attack in its process."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.facts = target.facts
        self.report = AttackReport()
        self._budget = CpuBudget()
        self._ends_at = time.monotonic() + target.seconds

    @property
    def is_running(self) -> bool:
        """Whether the attack has time left."""
        return time.monotonic() < self._ends_at

    def address(self, number: int) -> str:
        """Return the address of a numbered connection or client."""
        return self.target.addresses[number % len(self.target.addresses)]

    async def pace(self, seconds: float = 0.0) -> None:
        """Wait for this time, or until the attack ends, and for the share of the CPU."""
        await asyncio.sleep(max(min(seconds, self._ends_at - time.monotonic()), 0))
        await self._budget.wait()

    async def connect(self, number: int) -> RawConnection:
        """Open a connection."""
        return await RawConnection.open(self.target.port, self.address(number))

    def client(self, number: int, cookie: str = "") -> "AttackClient":
        """Return a client that keeps its connection open."""
        return AttackClient(self, number, cookie)

    def count(self, response: RawResponse | None) -> None:
        """Count a response, or a connection that was closed without one."""
        self.report.statuses[str(response.status) if response else NO_RESPONSE] += 1

    async def repeat(self, workers: int, work: Callable[[int], Awaitable[None]]) -> None:
        """Repeat the work in this many concurrent tasks until the attack ends.

        Args:
            workers: the number of tasks.
            work: called with the number of its task. A broken connection is counted.
        """

        async def worker(number: int) -> None:
            while self.is_running:
                await self._budget.wait()
                try:
                    await work(number)
                except OSError:
                    self.count(None)
                    await self.pace(RECONNECT_SECONDS)

        tasks = [asyncio.create_task(worker(number)) for number in range(workers)]
        await asyncio.wait(tasks, timeout=self.target.seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        failed = [task for task in tasks if not task.cancelled() and task.exception()]
        if failed:
            await failed[0]

    def finish(self) -> AttackReport:
        """Return the report."""
        self.report.cpu_share = self._budget.used_share
        return self.report


class AttackClient:
    """Sends well-formed requests on one connection, and connects again when it is closed."""

    def __init__(self, attacker: Attacker, number: int, cookie: str) -> None:
        self._attacker = attacker
        self._number = number
        self._cookie = cookie
        self._connection: RawConnection | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    async def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> RawResponse:
        """Send a request, count its response and return it.

        Raises:
            OSError: there was none.
        """
        fields = {**({"Cookie": self._cookie} if self._cookie else {}), **(headers or {})}
        await self._attacker.pace()
        if self._connection is None:
            self._connection = await self._attacker.connect(self._number)
        try:
            await self._connection.send(request_bytes(method, path, fields, body))
            response = await self._connection.receive()
        except BaseException:
            self.close()
            raise
        self._attacker.count(response)
        if response.headers.get("connection") == "close":
            self.close()
        return response

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.close()
            self._connection = None
