"""`make chaos`: real users, a saboteur, and then an auditor.

python -m chaos --seed 7 --minutes 5
"""

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from chaos.auditor import audit
from chaos.backlog import Backlog
from chaos.client_log import Promises
from chaos.contention import BUYERS, rush
from chaos.rate_limiter import Pace
from chaos.saboteur import Saboteur
from chaos.snapshot import Evidence, gather, last_of_each_stream
from chaos.workload import User
from common.values.clock import utc_now
from payments.testing import Bank
from support.system import System
from ticketing_local.stack.paths import ROOT
from ticketing_local.testing.temporary_server import MEMORY

WINDOW = 12
RECOVERY = 30.0
"""Seconds after the last kill in which everything that had piled up must be worked off."""
AS_IT_IS = 5.0
"""Seconds that users go on after that, everything being up."""
QUIET = 60.0
SETTINGS = {
    "ORDER_EXPIRATION_SECONDS": str(WINDOW),
    "PAYMENT_MARGIN_SECONDS": "1",
    "PAYMENT_LEASE_SECONDS": "8",
    "STRIPE_TIMEOUT_SECONDS": "2",
    "PAYMENT_RECONCILE_SECONDS": "1",
}


@dataclass(frozen=True)
class Plan:
    """What is to happen."""

    seed: int
    seconds: float
    rate: float
    users: int
    rounds: int
    without: str | None


@dataclass
class Outcome:
    """What has happened."""

    violations: list[str]
    recovery: float
    rate: float
    """Answers a second while things were killed, waiting for what was down included."""
    rate_since: float
    """Answers a second from when everything was up until users stopped."""
    promises: Promises
    harm: dict[str, int]
    found: Evidence | None = None


def _say(line: str) -> None:
    print(line, flush=True)


async def run(plan: Plan, system: System) -> Outcome:
    """Let everything happen, and look at what is left."""
    bank = Bank(system.stripe)
    backlog = Backlog(system, reconciled=plan.without != "reconciler")
    try:
        violations: list[str] = []
        if plan.rounds:
            began = time.monotonic()
            violations += await rush(system, plan.rounds)
            _say(f"crowd: {plan.rounds} x {BUYERS} buyers in {time.monotonic() - began:.0f} s")
        return await _chaos(plan, system, bank, backlog, violations)
    finally:
        await backlog.close()
        with suppress(httpx.TransportError):  # it would hide what has gone wrong before
            await bank.close()


async def _chaos(
    plan: Plan, system: System, bank: Bank, backlog: Backlog, violations: list[str]
) -> Outcome:
    chance = random.Random(plan.seed)
    saboteur = Saboteur(system, bank, random.Random(chance.random()))
    promises, pace, market = Promises(), Pace(plan.rate), list[Any]()
    users = [
        User(
            f"user{n}",
            system.address,
            chance=random.Random(chance.random()),
            pace=pace,
            promises=promises,
            market=market,
            bank=bank,
        )
        for n in range(plan.users)
    ]
    living = [asyncio.create_task(user.live()) for user in users]
    keeping = asyncio.create_task(saboteur.keep())
    began = time.monotonic()
    await saboteur.rage(plan.seconds)
    await saboteur.mend()
    await _when_back(lambda: asyncio.to_thread(system.wait_ready))
    whole, answered, since = utc_now(), promises.counted, time.monotonic()
    rate = answered / (since - began)
    marks = await _when_back(lambda: last_of_each_stream(system))
    recovery = await _recovered(backlog, marks, saboteur.last)
    if recovery > RECOVERY:
        violations.append(f"recovered {recovery:.1f} s after the last kill")
    await asyncio.sleep(AS_IT_IS)
    rate_since = (promises.counted - answered) / (time.monotonic() - since)
    for user in users:
        user.over = True
    await asyncio.gather(*living)
    if plan.without == "reconciler":
        await asyncio.to_thread(_with_reconciler, system)
    violations += await _quiet(backlog)
    keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping
    found = await gather(system, promises.ended.values())
    violations += audit(found, promises, whole)
    return Outcome(violations, recovery, rate, rate_since, promises, dict(saboteur.done), found)


def _with_reconciler(system: System) -> None:
    """Without it nothing may go wrong; to put everything right in the end it is needed."""
    system.restart(system.replicas_of("payments"), {"PAYMENT_RECONCILE_SECONDS": "1"})


async def _when_back(look: Any) -> Any:
    """Look as soon as what is looked at is up again."""
    while True:
        try:
            return await look()
        except Exception:  # noqa: BLE001 - a store that is just starting
            await asyncio.sleep(0.2)


async def _recovered(backlog: Backlog, marks: dict[str, int], since: float) -> float:
    """Wait until what had piled up is worked off, while users go on; say how long it took."""
    last: list[str] = []
    told = 0.0
    killed = utc_now() - timedelta(seconds=time.monotonic() - since)
    while True:
        took = time.monotonic() - since
        left = await _when_back(lambda: backlog.overdue(marks, killed))
        if not left:
            _say(f"the last to recover: {last}")
            return took
        last = left
        if took - told > RECOVERY / 6:
            told = took
            _say(f"{took:.0f} s after the last kill: {left}")
        if took > 3 * RECOVERY:
            _say(f"not recovered: {left}")
            return took
        await asyncio.sleep(0.25)


async def _quiet(backlog: Backlog) -> list[str]:
    """Wait until nothing is left to do."""
    deadline = time.monotonic() + QUIET
    left = await backlog.anything()
    while left and time.monotonic() < deadline:
        await asyncio.sleep(0.5)
        left = await backlog.anything()
    return [f"not quiet: {what}" for what in left]


def report(plan: Plan, outcome: Outcome) -> None:
    """Print what happened, in numbers."""
    found, promises = outcome.found, outcome.promises
    if found is None:
        return
    orders = found.documents["orders.orders"]
    counts = {
        "users": len(found.documents["auth.accounts"]),
        "tickets": len(found.documents["tickets.tickets"]),
        "orders": len(orders),
        "complete": sum(order["status"] == "complete" for order in orders),
        "expired": sum(order["reason"] == "expired" for order in orders),
        "payments": sum(bool(charge["paid"]) for charge in found.charges),
        "declines": sum(charge["status"] == "failed" for charge in found.charges),
        "refunds": len(found.refunds),
        "sessions ended": len(promises.ended),
        "events": sum(len(told) for told in found.streams.values()),
        "kills": sum(n for what, n in outcome.harm.items() if what.startswith("killed")),
        "pauses": sum(n for what, n in outcome.harm.items() if what.startswith("paused")),
        "faults at Stripe": sum(n for what, n in outcome.harm.items() if what.startswith("Stripe")),
        "duplicates absorbed": sum(found.repeated.values()),
    }
    _say(f"seed {plan.seed}: " + ", ".join(f"{count} {what}" for what, count in counts.items()))
    _say(f"  harm: {dict(sorted(outcome.harm.items()))}")
    _say(f"  answers: {dict(sorted(promises.answers.items()))}, {outcome.rate:.0f} a second")
    _say(f"  again: {dict(found.repeated)}")
    _say(f"  recovered in {outcome.recovery:.1f} s, at {outcome.rate_since:.0f} requests a second")
    for violation in outcome.violations[:50]:
        _say(f"  VIOLATION {violation}")
    _say(f"{len(outcome.violations)} violations (seed {plan.seed})")


def main() -> int:
    """Read the command line, and do it."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--rate", type=float, default=50, help="requests a second")
    parser.add_argument("--users", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=100, help="of the crowd")
    parser.add_argument("--without", choices=["webhooks", "reconciler"])
    parser.add_argument("--memory", action="store_true", help="keep the stores' files in memory")
    told = parser.parse_args()
    plan = Plan(told.seed, told.minutes * 60, told.rate, told.users, told.rounds, told.without)
    where = MEMORY if told.memory and MEMORY.is_dir() else ROOT / ".local" / "chaos"
    where.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"seed-{plan.seed}-", dir=where))
    settings = dict(SETTINGS)
    if plan.without == "reconciler":
        settings["PAYMENT_RECONCILE_SECONDS"] = "0"
    system = System(folder, settings, webhooks=plan.without != "webhooks")
    try:
        _say(f"seed {plan.seed}: {plan.seconds:.0f} s at {plan.rate:.0f} requests a second")
        system.start()
        outcome = asyncio.run(run(plan, system))
    finally:
        system.stop()
    report(plan, outcome)
    if outcome.violations:
        _say(f"Everything it stored and said is in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
