"""`make chaos`: simulated users and a saboteur, followed by an audit.

python -m chaos --seed 7 --minutes 5
"""

import asyncio
import random
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import httpx

from chaos.auditor import MAX_LATENESS, audit
from chaos.backlog import Backlog
from chaos.bank import Bank
from chaos.client_log import ClientLog
from chaos.contention import BUYERS, run_contention
from chaos.hostile_client import HostileClient
from chaos.payouts import FEES_BASIS_POINTS
from chaos.planted_codes import find_planted_codes
from chaos.rate_limiter import RateLimiter
from chaos.saboteur import Saboteur
from chaos.shows import add_shows, cancel_shows_during_run
from chaos.snapshot import last_sequences, take_snapshot
from chaos.summary import Outcome, Plan, print_summary
from chaos.workload import SimulatedUser
from common.values.clock import utc_now
from payments.testing import StripeProbe
from support.system import System
from ticketing_local.stack.paths import ROOT
from ticketing_local.testing.temporary_server import TMPFS
from tickets.domain.ticket import WITHDRAWAL_DELAY

ORDER_EXPIRATION_SECONDS = 12
MAX_RECOVERY_SECONDS = 30.0
"""The time after the last kill within which the backlog must be processed."""
REPORT_INTERVAL_SECONDS = 5.0
QUIET_LOOKS = 2
SETTLE_SECONDS = 5.0
"""The time for which users continue on the recovered system."""
HOSTILE_CLIENTS = 6
SETTINGS = {
    "ORDER_EXPIRATION_SECONDS": str(ORDER_EXPIRATION_SECONDS),
    "PAYMENT_MARGIN_SECONDS": "1",
    "PAYMENT_LEASE_SECONDS": "8",
    "STRIPE_TIMEOUT_SECONDS": "2",
    "SMTP_TIMEOUT_SECONDS": "2",
    "PAYMENT_RECONCILE_SECONDS": "1",
    "PAYOUT_RETRY_SECONDS": "8",
    "PLATFORM_FEE_BASIS_POINTS": str(FEES_BASIS_POINTS[0]),
}


async def run(plan: Plan, system: System) -> Outcome:
    """Run the contention rounds and the chaos, then audit the stores."""
    stripe = StripeProbe(system.stripe)
    backlog = Backlog(system, reconciler_enabled=plan.disabled != "reconciler")
    try:
        violations: list[str] = []
        if plan.rounds:
            started_at = time.monotonic()
            violations += await run_contention(system, plan.rounds)
            click.echo(
                f"contention: {plan.rounds} x {BUYERS} buyers "
                f"in {time.monotonic() - started_at:.0f} s"
            )
        return await _chaos(plan, system, stripe, backlog, violations)
    finally:
        await backlog.close()
        with suppress(httpx.TransportError):  # it would hide an earlier exception
            await stripe.close()


async def _chaos(
    plan: Plan, system: System, stripe: StripeProbe, backlog: Backlog, violations: list[str]
) -> Outcome:
    rng = random.Random(plan.seed)
    saboteur = Saboteur(system, stripe, random.Random(rng.random()))
    client_log, rate_limiter, market = ClientLog(), RateLimiter(plan.rate), list[Any]()
    shows = await add_shows(system, plan.seconds)
    has_disputes = plan.disabled != "webhooks"  # one after the payout is known only by them
    users = [
        SimulatedUser(
            f"user{n}",
            system.address,
            rng=random.Random(rng.random()),
            rate_limiter=rate_limiter,
            client_log=client_log,
            market=market,
            shows=shows.all,
            stripe=stripe,
            has_disputes=has_disputes,
        )
        for n in range(plan.users)
    ]
    hostile_clients = [
        HostileClient(system.port["gateway"], random.Random(rng.random()), client_log)
        for _ in range(HOSTILE_CLIENTS)
    ]
    bank = Bank(system, stripe, random.Random(rng.random()), client_log, has_disputes=has_disputes)
    cancellation = asyncio.create_task(cancel_shows_during_run(system, shows, plan.seconds))
    fee_change = asyncio.create_task(_change_fee(system, plan.seconds / 2))
    decisions = asyncio.create_task(bank.run())
    user_tasks = [asyncio.create_task(user.run()) for user in (*users, *hostile_clients)]
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
    recovery = await _wait_recovered(
        backlog, stream_positions, saboteur.last_action_at, 3 * plan.max_recovery_seconds
    )
    if recovery > plan.max_recovery_seconds:
        violations.append(f"recovered {recovery:.1f} s after the last kill")
    await asyncio.sleep(SETTLE_SECONDS)
    rate_after_recovery = (client_log.response_count - responses_before) / (
        time.monotonic() - recovered_at
    )
    for user in (*users, *hostile_clients):
        user.stopped = True
    await asyncio.gather(*user_tasks, cancellation, fee_change)
    await _cancelled(decisions)
    await bank.decide_most()
    if plan.disabled == "reconciler":
        await asyncio.to_thread(_enable_reconciler, system)
    longest = WITHDRAWAL_DELAY.total_seconds() + 2 * plan.max_recovery_seconds
    violations += await _wait_quiesced(backlog, bank, longest)
    await bank.close()
    await _cancelled(supervision)
    snapshot = await take_snapshot(system, client_log.ended_sessions.values())
    violations += audit(snapshot, client_log, healthy_since, plan.max_lateness)
    violations += await asyncio.to_thread(lambda: [*find_planted_codes(system, snapshot)])
    return Outcome(
        violations,
        recovery,
        rate,
        rate_after_recovery,
        client_log,
        dict(saboteur.action_counts),
        dict(bank.counts),
        snapshot,
    )


async def _cancelled(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait for its end."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _change_fee(system: System, after_seconds: float) -> None:
    """Change the fee of the processes of payments that start from then on."""
    await asyncio.sleep(after_seconds)
    for name in system.replicas_of("payments"):
        process = system.processes[name]
        fee = {"PLATFORM_FEE_BASIS_POINTS": str(FEES_BASIS_POINTS[1])}
        environment = {**process.program.environment, **fee}
        process.program = replace(process.program, environment=environment)


def pay_early(system: System) -> None:
    """Run orders with the short periods of `early_release`, in a system that has not started."""
    for name in system.replicas_of("orders"):
        process = system.processes[name]
        command = [str(part) for part in process.program.command]
        command[command.index("orders.app:create_app")] = "chaos.early_release:create_app"
        command += ["--app-dir", str(ROOT / "tests")]
        process.program = replace(process.program, command=tuple(command))


def _enable_reconciler(system: System) -> None:
    """Enable the reconciler, which is needed to finish what is left open in the end."""
    system.restart(system.replicas_of("payments"), {"PAYMENT_RECONCILE_SECONDS": "1"})


async def _after_recovery(read: Any) -> Any:
    """Retry until the store is available again."""
    while True:
        try:
            return await read()
        except Exception:  # noqa: BLE001 - a store that is just starting
            await asyncio.sleep(0.2)


async def _wait_recovered(
    backlog: Backlog, stream_positions: dict[str, int], since: float, timeout_seconds: float
) -> float:
    """Wait until the backlog is processed, while users continue, or until the time is over.

    Returns:
        The seconds since the last kill.
    """
    last_remaining: list[str] = []
    last_report = 0.0
    killed_at = utc_now() - timedelta(seconds=time.monotonic() - since)
    while True:
        elapsed = time.monotonic() - since
        remaining = await _after_recovery(lambda: backlog.overdue(stream_positions, killed_at))
        if not remaining:
            click.echo(f"last remaining work: {last_remaining}")
            return elapsed
        last_remaining = remaining
        if elapsed - last_report > REPORT_INTERVAL_SECONDS:
            last_report = elapsed
            click.echo(f"{elapsed:.0f} s after the last kill: {remaining}")
        if elapsed > timeout_seconds:
            click.echo(f"not recovered: {remaining}")
            return elapsed
        await asyncio.sleep(0.25)


async def _wait_quiesced(backlog: Backlog, bank: Bank, timeout_seconds: float) -> list[str]:
    """Wait until no work is left and return what is left after the timeout.

    Two looks in a row have to find nothing, because work may move on during one of them.
    """
    deadline = time.monotonic() + timeout_seconds
    remaining, quiet_looks = list[str](), 0
    while quiet_looks < QUIET_LOOKS and time.monotonic() < deadline:
        await bank.decide_refunds()
        await asyncio.sleep(0.5)
        remaining = await backlog.remaining()
        quiet_looks = 0 if remaining else quiet_looks + 1
    return [f"not quiescent: {what}" for what in remaining]


@click.command(help="Kill processes under load, then audit the data.")
@click.option("--seed", type=int, default=lambda: random.randrange(1_000_000))
@click.option("--minutes", type=float, default=5, show_default=True)
@click.option("--rate", type=float, default=50, show_default=True, help="Requests per second.")
@click.option("--users", type=int, default=120, show_default=True)
@click.option("--rounds", type=int, default=100, show_default=True, help="Contention rounds.")
@click.option("--disable", type=click.Choice(["webhooks", "reconciler"]))
@click.option("--memory", is_flag=True, help="Keep the stores' files in memory.")
@click.option("--max-recovery-seconds", type=float, default=MAX_RECOVERY_SECONDS, show_default=True)
@click.option(
    "--max-lateness-seconds",
    type=float,
    default=MAX_LATENESS.total_seconds(),
    show_default=True,
    help="How late an order may end.",
)
def main(
    seed: int,
    minutes: float,
    rate: float,
    users: int,
    rounds: int,
    disable: str | None,
    *,
    memory: bool,
    max_recovery_seconds: float,
    max_lateness_seconds: float,
) -> None:
    """Run chaos on a system of its own and exit with 1 if there are violations."""
    max_lateness = timedelta(seconds=max_lateness_seconds)
    plan = Plan(
        seed, minutes * 60, rate, users, rounds, disable, max_recovery_seconds, max_lateness
    )
    parent = TMPFS if memory and TMPFS.is_dir() else ROOT / ".local" / "chaos"
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"seed-{seed}-", dir=parent))
    settings = dict(SETTINGS)
    if disable == "reconciler":
        settings["PAYMENT_RECONCILE_SECONDS"] = "0"
    system = System(folder, settings, webhooks=disable != "webhooks")
    pay_early(system)
    try:
        click.echo(f"seed {seed}: {plan.seconds:.0f} s at {rate:.0f} requests per second")
        system.start()
        outcome = asyncio.run(run(plan, system))
    finally:
        system.stop()
    print_summary(plan, outcome)
    if outcome.violations:
        click.echo(f"Data and logs: {folder}")
        sys.exit(1)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
