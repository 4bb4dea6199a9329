"""The saboteur: kills and pauses what runs, and makes Stripe misbehave, in a seeded order.

What it has killed it starts again after a moment; what ends by itself, because something that it
needs was away, is started again as a supervisor would.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final

import httpx

from payments.testing import Bank
from support.process import Process
from support.system import SERVICES, System

GAP: Final = (1.5, 4.0)
DOWN: Final = (0.2, 2.5)
PAST_ACK_WAIT: Final = (7.0, 9.0)
"""Seconds that a service stands still: its deliveries go to others, and then it goes on."""
KEEP_EVERY: Final = 0.3
CONFIRM = "POST /v1/payment_intents/*/confirm"
CALL_FAULTS: Final[tuple[dict[str, Any], ...]] = (
    {"match": CONFIRM, "action": "drop_after", "times": 3},
    {"match": CONFIRM, "action": "drop_after", "times": 10, "chance": 0.5},
    {"match": CONFIRM, "action": "hold", "delay_ms": 3000, "times": 3},
    {"match": CONFIRM, "action": "delay", "delay_ms": 1500, "times": 5},
    {"match": CONFIRM, "action": "status", "status": 500, "stored": True, "times": 2},
    {"match": "POST /v1/payment_intents", "action": "drop_after", "times": 3},
    {"match": "POST /v1/refunds", "action": "drop_after", "times": 3},
    {"match": "POST /v1/refunds", "action": "status", "status": 503, "times": 4},
    {"match": "GET /v1/payment_intents/*", "action": "status", "status": 500, "times": 5},
    {"match": "* /v1/*", "action": "status", "status": 503, "times": 10, "chance": 0.5},
)
WEBHOOK_FAULTS: Final[tuple[dict[str, Any], ...]] = (
    {"match": "WEBHOOK *", "action": "duplicate", "delay_ms": 500, "times": 20},
    {"match": "WEBHOOK *", "action": "delay", "delay_ms": 5000, "times": 10},
    {"match": "WEBHOOK *", "action": "reorder", "delay_ms": 2000, "times": 20},
)

Act = Callable[[], Awaitable[None]]


class Saboteur:
    """What goes wrong, one thing after another, some at the same time."""

    def __init__(self, system: System, bank: Bank, chance: random.Random) -> None:
        self.done: Counter[str] = Counter()
        self.last = time.monotonic()
        self._system = system
        self._bank = bank
        self._chance = chance
        self._busy: set[str] = set()
        self._running: set[asyncio.Task[None]] = set()
        self._over = False

    async def rage(self, seconds: float) -> None:
        """Do harm for so long: every kind as often as every other, in random order."""
        until = time.monotonic() + seconds
        deck: list[Act] = []
        while time.monotonic() < until:
            if not deck:
                deck = self._deck()
                self._chance.shuffle(deck)
            task = asyncio.create_task(self._do(deck.pop()))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            await asyncio.sleep(self._chance.uniform(*GAP))

    async def mend(self) -> None:
        """Let everything run again, and nothing fail any more."""
        while self._running:
            await asyncio.wait(self._running)
        while True:
            with suppress(httpx.TransportError):  # it may just be starting
                await self._bank.mend()
                return
            await asyncio.sleep(0.2)

    async def keep(self) -> None:
        """Start again whatever has ended, as a supervisor would, until cancelled."""
        while True:
            for name, process in self._system.processes.items():
                if name not in self._busy and not process.running:
                    self.done["started again by the keeper"] += 1
                    process.start()
            await asyncio.sleep(KEEP_EVERY)

    async def _do(self, act: Act) -> None:
        with suppress(httpx.TransportError, AssertionError):  # Stripe is down: no fault to set
            await act()

    def _deck(self) -> list[Act]:
        one = [partial(self._kill_replica, service) for service in SERVICES]
        both = [partial(self._kill, *self._system.replicas_of(s)) for s in SERVICES]
        stores = [partial(self._kill, name) for name in ("mongod", "nats", "redis", "stripe")]
        together = [
            partial(self._kill, "nats", self._system.replicas_of("orders")[0]),
            partial(self._kill, "mongod", self._system.replicas_of("payments")[-1]),
            partial(self._kill, "redis", "worker"),
            self._kill_several,
        ]
        pauses = [partial(self._pause, s) for s in self._chance.sample(SERVICES, 3)]
        stalls = [partial(self._stall, name) for name in ("mongod", "nats", "worker")]
        chosen = [*self._chance.sample(CALL_FAULTS, 4), *WEBHOOK_FAULTS]
        faults = [partial(self._fault, fault) for fault in chosen]
        worker = partial(self._kill, "worker")
        stops = [partial(self._stop, name) for name in ("mongod", "nats")]
        return [*one, *both, *stores, *stops, *together, *pauses, *stalls, *faults, worker]

    async def _kill_replica(self, service: str) -> None:
        await self._kill(self._chance.choice(self._system.replicas_of(service)))

    async def _kill_several(self) -> None:
        await self._kill(*self._chance.sample(self._system.services, 3))

    async def _kill(self, *names: str) -> None:
        """SIGKILL them at once, and start them again after a moment."""
        taken = self._take(names)
        try:
            for process in taken:
                process.kill()
                self.done[f"killed {process.name.partition('-')[0]}"] += 1
            self.last = time.monotonic()
            await asyncio.sleep(self._chance.uniform(*DOWN))
            for process in taken:
                process.start()
        finally:
            self._release(taken)

    async def _stop(self, name: str) -> None:
        """Ask it to end (SIGTERM), as an upgrade does, and start it again."""
        taken = self._take([name])
        try:
            for process in taken:
                self.done[f"stopped {name}"] += 1
                await asyncio.to_thread(process.terminate)
                process.start()
                self.last = time.monotonic()
        finally:
            self._release(taken)

    async def _pause(self, service: str) -> None:
        """SIGSTOP one replica past the moment that its deliveries are given to others."""
        name = self._chance.choice(self._system.replicas_of(service))
        await self._stand_still(name, self._chance.uniform(*PAST_ACK_WAIT))

    async def _stall(self, name: str) -> None:
        await self._stand_still(name, self._chance.uniform(1, 3))

    async def _stand_still(self, name: str, seconds: float) -> None:
        taken = self._take([name])
        try:
            for process in taken:
                process.pause()
                self.done[f"paused {name.partition('-')[0]}"] += 1
                await asyncio.sleep(seconds)
                process.resume()
                self.last = time.monotonic()
        finally:
            self._release(taken)

    async def _fault(self, fault: dict[str, Any]) -> None:
        more = {name: value for name, value in fault.items() if name not in {"match", "action"}}
        await self._bank.fault(fault["match"], fault["action"], **more)
        where = "webhooks" if fault in WEBHOOK_FAULTS else "answers"
        self.done[f"Stripe's {where}: {fault['action']}"] += 1

    def _take(self, names: tuple[str, ...] | list[str]) -> list[Process]:
        free = [name for name in names if name not in self._busy]
        self._busy.update(free)
        return [self._system.processes[name] for name in free]

    def _release(self, taken: list[Process]) -> None:
        self._busy.difference_update(process.name for process in taken)
