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
from chaos.client_log import ClientLog
from chaos.contention import BUYERS, run_contention
from chaos.rate_limiter import RateLimiter
from chaos.saboteur import Saboteur
from chaos.snapshot import Snapshot, last_sequences, take_snapshot
from chaos.workload import SimulatedUser
from common.values.clock import utc_now
from payments.testing import StripeProbe
from support.system import System
from ticketing_local.stack.paths import ROOT
from ticketing_local.testing.temporary_server import TMPFS

ORDER_EXPIRATION_SECONDS = 12
RECOVERY_TIMEOUT_SECONDS = 30.0
"""Seconds after the last kill in which everything that had piled up must be worked off."""
SETTLE_SECONDS = 5.0
"""Seconds that users go on after that, everything being up."""
QUIESCE_TIMEOUT_SECONDS = 60.0
SETTINGS = {
    "ORDER_EXPIRATION_SECONDS": str(ORDER_EXPIRATION_SECONDS),
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
    disabled: str | None


@dataclass
class Outcome:
    """What has happened."""

    violations: list[str]
    recovery: float
    rate: float
    """Answers a second while things were killed, waiting for what was down included."""
    rate_after_recovery: float
    """Answers a second from when everything was up until users stopped."""
    client_log: ClientLog
    action_counts: dict[str, int]
    snapshot: Snapshot | None = None


def _report(line: str) -> None:
    print(line, flush=True)


async def run(plan: Plan, system: System) -> Outcome:
    """Let everything happen, and look at what is left."""
    bank = StripeProbe(system.stripe)
    backlog = Backlog(system, reconciler_enabled=plan.disabled != "reconciler")
    try:
        violations: list[str] = []
        if plan.rounds:
            started_at = time.monotonic()
            violations += await run_contention(system, plan.rounds)
            _report(
                f"crowd: {plan.rounds} x {BUYERS} buyers in {time.monotonic() - started_at:.0f} s"
            )
        return await _chaos(plan, system, bank, backlog, violations)
    finally:
        await backlog.close()
        with suppress(httpx.TransportError):  # it would hide what has gone wrong before
            await bank.close()


async def _chaos(
    plan: Plan, system: System, bank: StripeProbe, backlog: Backlog, violations: list[str]
) -> Outcome:
    rng = random.Random(plan.seed)
    saboteur = Saboteur(system, bank, random.Random(rng.random()))
    client_log, rate_limiter, market = ClientLog(), RateLimiter(plan.rate), list[Any]()
    users = [
        SimulatedUser(
            f"user{n}",
            system.address,
            rng=random.Random(rng.random()),
            rate_limiter=rate_limiter,
            client_log=client_log,
            market=market,
            bank=bank,
        )
        for n in range(plan.users)
    ]
    user_tasks = [asyncio.create_task(user.run()) for user in users]
    supervision = asyncio.create_task(saboteur.supervise())
    started_at = time.monotonic()
    await saboteur.run(plan.seconds)
    await saboteur.recover()
    await _after_recovery(lambda: asyncio.to_thread(system.wait_ready))
    healthy_since, responses_before, recovered_at = (
        utc_now(),
        client_log.response_count,
        time.monotonic(),
    )
    rate = responses_before / (recovered_at - started_at)
    stream_positions = await _after_recovery(lambda: last_sequences(system))
    recovery = await _wait_recovered(backlog, stream_positions, saboteur.last_action_at)
    if recovery > RECOVERY_TIMEOUT_SECONDS:
        violations.append(f"recovered {recovery:.1f} s after the last kill")
    await asyncio.sleep(SETTLE_SECONDS)
    rate_after_recovery = (client_log.response_count - responses_before) / (
        time.monotonic() - recovered_at
    )
    for user in users:
        user.stopped = True
    await asyncio.gather(*user_tasks)
    if plan.disabled == "reconciler":
        await asyncio.to_thread(_enable_reconciler, system)
    violations += await _wait_quiesced(backlog)
    supervision.cancel()
    with suppress(asyncio.CancelledError):
        await supervision
    snapshot = await take_snapshot(system, client_log.ended_sessions.values())
    violations += audit(snapshot, client_log, healthy_since)
    return Outcome(
        violations,
        recovery,
        rate,
        rate_after_recovery,
        client_log,
        dict(saboteur.action_counts),
        snapshot,
    )


def _enable_reconciler(system: System) -> None:
    """Without it nothing may go wrong; to put everything right in the end it is needed."""
    system.restart(system.replicas_of("payments"), {"PAYMENT_RECONCILE_SECONDS": "1"})


async def _after_recovery(read: Any) -> Any:
    """Look as soon as what is looked at is up again."""
    while True:
        try:
            return await read()
        except Exception:  # noqa: BLE001 - a store that is just starting
            await asyncio.sleep(0.2)


async def _wait_recovered(
    backlog: Backlog, stream_positions: dict[str, int], since: float
) -> float:
    """Wait until what had piled up is worked off, while users go on; say how long it took."""
    last_remaining: list[str] = []
    last_report = 0.0
    killed_at = utc_now() - timedelta(seconds=time.monotonic() - since)
    while True:
        elapsed = time.monotonic() - since
        remaining = await _after_recovery(lambda: backlog.overdue(stream_positions, killed_at))
        if not remaining:
            _report(f"the last to recover: {last_remaining}")
            return elapsed
        last_remaining = remaining
        if elapsed - last_report > RECOVERY_TIMEOUT_SECONDS / 6:
            last_report = elapsed
            _report(f"{elapsed:.0f} s after the last kill: {remaining}")
        if elapsed > 3 * RECOVERY_TIMEOUT_SECONDS:
            _report(f"not recovered: {remaining}")
            return elapsed
        await asyncio.sleep(0.25)


async def _wait_quiesced(backlog: Backlog) -> list[str]:
    """Wait until nothing is left to do."""
    deadline = time.monotonic() + QUIESCE_TIMEOUT_SECONDS
    remaining = await backlog.remaining()
    while remaining and time.monotonic() < deadline:
        await asyncio.sleep(0.5)
        remaining = await backlog.remaining()
    return [f"not quiet: {what}" for what in remaining]


def print_summary(plan: Plan, outcome: Outcome) -> None:
    """Print what happened, in numbers."""
    snapshot, client_log = outcome.snapshot, outcome.client_log
    if snapshot is None:
        return
    orders = snapshot.documents["orders.orders"]
    counts = {
        "users": len(snapshot.documents["auth.accounts"]),
        "tickets": len(snapshot.documents["tickets.tickets"]),
        "orders": len(orders),
        "complete": sum(order["status"] == "complete" for order in orders),
        "expired": sum(order["reason"] == "expired" for order in orders),
        "payments": sum(bool(charge["paid"]) for charge in snapshot.charges),
        "declines": sum(charge["status"] == "failed" for charge in snapshot.charges),
        "refunds": len(snapshot.refunds),
        "sessions ended": len(client_log.ended_sessions),
        "events": sum(len(events) for events in snapshot.streams.values()),
        "kills": sum(n for what, n in outcome.action_counts.items() if what.startswith("killed")),
        "pauses": sum(n for what, n in outcome.action_counts.items() if what.startswith("paused")),
        "faults at Stripe": sum(
            n for what, n in outcome.action_counts.items() if what.startswith("Stripe")
        ),
        "duplicates absorbed": sum(snapshot.duplicates.values()),
    }
    _report(f"seed {plan.seed}: " + ", ".join(f"{count} {what}" for what, count in counts.items()))
    _report(f"  harm: {dict(sorted(outcome.action_counts.items()))}")
    _report(
        f"  answers: {dict(sorted(client_log.status_counts.items()))}, {outcome.rate:.0f} a second"
    )
    _report(f"  again: {dict(snapshot.duplicates)}")
    _report(
        f"  recovered in {outcome.recovery:.1f} s, "
        f"at {outcome.rate_after_recovery:.0f} requests per second"
    )
    for violation in outcome.violations[:50]:
        _report(f"  VIOLATION {violation}")
    _report(f"{len(outcome.violations)} violations (seed {plan.seed})")


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
    arguments = parser.parse_args()
    plan = Plan(
        arguments.seed,
        arguments.minutes * 60,
        arguments.rate,
        arguments.users,
        arguments.rounds,
        arguments.without,
    )
    parent = TMPFS if arguments.memory and TMPFS.is_dir() else ROOT / ".local" / "chaos"
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"seed-{plan.seed}-", dir=parent))
    settings = dict(SETTINGS)
    if plan.disabled == "reconciler":
        settings["PAYMENT_RECONCILE_SECONDS"] = "0"
    system = System(folder, settings, webhooks=plan.disabled != "webhooks")
    try:
        _report(f"seed {plan.seed}: {plan.seconds:.0f} s at {plan.rate:.0f} requests a second")
        system.start()
        outcome = asyncio.run(run(plan, system))
    finally:
        system.stop()
    print_summary(plan, outcome)
    if outcome.violations:
        _report(f"Everything it stored and said is in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
