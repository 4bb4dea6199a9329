"""The saboteur: kills and pauses processes and injects faults into Stripe, in a seeded order.

It restarts what it has killed after a moment. A process that exits on its own, because something
that it needs is unavailable, is restarted too, as a supervisor does.
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

from chaos.letters import REFUSED_LETTER
from mail_local.testing import MailControl
from payments.testing import StripeProbe
from support.system import System
from ticketing_local.processes.managed_process import ManagedProcess
from ticketing_local.stack.ports import SERVICES

ACTION_INTERVAL_SECONDS: Final = (1.5, 4.0)
DOWNTIME_SECONDS: Final = (0.2, 2.5)
PAUSE_PAST_ACK_WAIT_SECONDS: Final = (7.0, 9.0)
"""Long enough that the pending deliveries are redelivered to other replicas."""
SUPERVISE_INTERVAL_SECONDS: Final = 0.3
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
TRANSFERS = "POST /v1/transfers"
REVERSALS = "POST /v1/transfers/*/reversals"
NO_BALANCE: Final = {
    "type": "invalid_request_error",
    "code": "balance_insufficient",
    "message": "You have insufficient available funds in your Stripe account.",
}
PAYOUT_FAULTS: Final[tuple[dict[str, Any], ...]] = (
    {"match": TRANSFERS, "action": "drop_after", "times": 3},
    {"match": TRANSFERS, "action": "drop_after", "times": 10, "chance": 0.5},
    {"match": TRANSFERS, "action": "hold", "delay_ms": 3000, "times": 3},
    {"match": TRANSFERS, "action": "status", "status": 500, "stored": True, "times": 3},
    {"match": TRANSFERS, "action": "status", "status": 400, "error": NO_BALANCE, "times": 2},
    {"match": REVERSALS, "action": "drop_after", "times": 3},
    {"match": REVERSALS, "action": "status", "status": 500, "stored": True, "times": 2},
    {"match": "GET /v1/transfers*", "action": "status", "status": 500, "times": 5},
    {"match": "GET /v1/disputes", "action": "status", "status": 503, "times": 5},
    {"match": "GET /v2/core/accounts/*", "action": "status", "status": 503, "times": 5},
)
WEBHOOK_FAULTS: Final[tuple[dict[str, Any], ...]] = (
    {"match": "WEBHOOK *", "action": "duplicate", "delay_ms": 500, "times": 20},
    {"match": "WEBHOOK *", "action": "delay", "delay_ms": 5000, "times": 10},
    {"match": "WEBHOOK *", "action": "reorder", "delay_ms": 2000, "times": 20},
)
MAIL_FAULTS: Final[tuple[dict[str, Any], ...]] = (
    {"action": "reject_letter", "code": 451, "times": 3},
    {"action": "reject_letter", "code": REFUSED_LETTER, "times": 1},
    {"action": "reject_recipient", "code": 450, "times": 3},
    {"action": "hang", "delay_seconds": 5, "times": 2},
    {"action": "drop", "times": 2},
    {"action": "store_twice", "times": 3},
)
"""Not `hang_unstored`: a cleared delay would accept a letter that was not stored."""

Action = Callable[[], Awaitable[None]]


class Saboteur:
    """Runs the harmful actions one after another; some overlap."""

    def __init__(self, system: System, stripe: StripeProbe, rng: random.Random) -> None:
        self.action_counts: Counter[str] = Counter()
        self.last_action_at = time.monotonic()
        self._system = system
        self._stripe = stripe
        self._mail = MailControl(f"http://127.0.0.1:{system.port['mail']}")
        self._rng = rng
        self._busy: set[str] = set()
        self._running: set[asyncio.Task[None]] = set()

    async def run(self, seconds: float) -> None:
        """Run every kind of action equally often, in random order, for the given time."""
        deadline = time.monotonic() + seconds
        deck: list[Action] = []
        while time.monotonic() < deadline:
            if not deck:
                deck = self._make_deck()
                self._rng.shuffle(deck)
            task = asyncio.create_task(self._run_action(deck.pop()))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            await asyncio.sleep(self._rng.uniform(*ACTION_INTERVAL_SECONDS))

    async def recover(self) -> None:
        """Wait until everything runs again and clear the faults of Stripe and of mail."""
        while self._running:
            await asyncio.wait(self._running)
        while True:
            with suppress(httpx.TransportError):  # it may just be starting
                await self._stripe.clear_faults()
                await asyncio.to_thread(self._mail.clear_faults)
                return
            await asyncio.sleep(0.2)

    async def supervise(self) -> None:
        """Restart exited processes, as a supervisor does, until cancelled."""
        while True:
            for name, process in self._system.processes.items():
                if name not in self._busy and not process.running:
                    self.action_counts["restarted by the supervisor"] += 1
                    process.start()
            await asyncio.sleep(SUPERVISE_INTERVAL_SECONDS)

    async def _run_action(self, action: Action) -> None:
        with suppress(httpx.TransportError, AssertionError):  # Stripe is down: no fault to set
            await action()

    def _make_deck(self) -> list[Action]:
        one = [partial(self._kill_replica, service) for service in SERVICES]
        both = [partial(self._kill, *self._system.replicas_of(s)) for s in SERVICES]
        stores = [partial(self._kill, name) for name in ("mongod", "nats", "redis", "stripe")]
        together = [
            partial(self._kill, "nats", self._system.replicas_of("orders")[0]),
            partial(self._kill, "mongod", self._system.replicas_of("payments")[-1]),
            partial(self._kill, "redis", "worker"),
            self._kill_several,
        ]
        pauses = [partial(self._pause, s) for s in self._rng.sample(SERVICES, 3)]
        stalls = [partial(self._stall, name) for name in ("mongod", "nats", "worker")]
        fault_specs = [
            *self._rng.sample(CALL_FAULTS, 4),
            *self._rng.sample(PAYOUT_FAULTS, 4),
            *WEBHOOK_FAULTS,
        ]
        faults = [partial(self._fault, fault) for fault in fault_specs]
        faults += [partial(self._fault_mail, fault) for fault in self._rng.sample(MAIL_FAULTS, 2)]
        workers = [partial(self._kill, name) for name in ("worker", "mailer", "mail")]
        stops = [partial(self._stop, name) for name in ("mongod", "nats")]
        return [*one, *both, *stores, *stops, *together, *pauses, *stalls, *faults, *workers]

    async def _kill_replica(self, service: str) -> None:
        await self._kill(self._rng.choice(self._system.replicas_of(service)))

    async def _kill_several(self) -> None:
        await self._kill(*self._rng.sample(self._system.services, 3))

    async def _kill(self, *names: str) -> None:
        """Send SIGKILL to the processes and restart them after a moment."""
        claimed = self._claim(names)
        try:
            for process in claimed:
                process.kill()
                self.action_counts[f"killed {process.name.partition('-')[0]}"] += 1
            self.last_action_at = time.monotonic()
            await asyncio.sleep(self._rng.uniform(*DOWNTIME_SECONDS))
            for process in claimed:
                process.start()
        finally:
            self._release(claimed)

    async def _stop(self, name: str) -> None:
        """Send SIGTERM, as an upgrade does, and restart the process."""
        claimed = self._claim([name])
        try:
            for process in claimed:
                self.action_counts[f"stopped {name}"] += 1
                await asyncio.to_thread(process.terminate)
                process.start()
                self.last_action_at = time.monotonic()
        finally:
            self._release(claimed)

    async def _pause(self, service: str) -> None:
        """Send SIGSTOP to one replica until its deliveries are redelivered to others."""
        name = self._rng.choice(self._system.replicas_of(service))
        await self._suspend(name, self._rng.uniform(*PAUSE_PAST_ACK_WAIT_SECONDS))

    async def _stall(self, name: str) -> None:
        await self._suspend(name, self._rng.uniform(1, 3))

    async def _suspend(self, name: str, seconds: float) -> None:
        claimed = self._claim([name])
        try:
            for process in claimed:
                process.pause()
                self.action_counts[f"paused {name.partition('-')[0]}"] += 1
                await asyncio.sleep(seconds)
                process.resume()
                self.last_action_at = time.monotonic()
        finally:
            self._release(claimed)

    async def _fault(self, spec: dict[str, Any]) -> None:
        options = {name: value for name, value in spec.items() if name not in {"match", "action"}}
        await self._stripe.inject_fault(spec["match"], spec["action"], **options)
        where = "webhooks" if spec in WEBHOOK_FAULTS else "responses"
        self.action_counts[f"Stripe's {where}: {spec['action']}"] += 1

    async def _fault_mail(self, spec: dict[str, Any]) -> None:
        await asyncio.to_thread(lambda: self._mail.fault(**spec))
        self.action_counts[f"mail: {spec['action']} {spec.get('code', '')}".rstrip()] += 1

    def _claim(self, names: tuple[str, ...] | list[str]) -> list[ManagedProcess]:
        free = [name for name in names if name not in self._busy]
        self._busy.update(free)
        return [self._system.processes[name] for name in free]

    def _release(self, claimed: list[ManagedProcess]) -> None:
        self._busy.difference_update(process.name for process in claimed)
