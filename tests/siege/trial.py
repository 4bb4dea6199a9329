"""One attack on a running system, beside friendly users whose requests are counted."""

import asyncio
import multiprocessing
import socket
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from pymongo import AsyncMongoClient

from siege.attack import Attack, Siege, run_attack
from siege.attacker import MAX_CPU_SHARE, AttackReport, Target
from siege.friendly_users import PAGE, FriendlyUser, Market
from siege.journal import AFTER, DURING, Journal, PhaseRecord
from siege.memory import memory_mib
from support.system import System

MIN_SHARE_RIGHT: Final = 0.99
MAX_P99_SECONDS: Final = 2.0
CPU_TOLERANCE: Final = 0.05
FRIENDLY_USERS: Final = 12
ATTACKING_ADDRESSES: Final = 4


@dataclass(frozen=True)
class Trial:
    """How long a trial takes, and what must hold for friendly users."""

    attack_seconds: float = 15.0
    warm_up_seconds: float = 2.0
    recovery_seconds: float = 4.0
    """How long friendly users continue after the attack, with the same expectations."""
    min_share_right: float = MIN_SHARE_RIGHT
    max_p99_seconds: float = MAX_P99_SECONDS
    friendly_users: int = FRIENDLY_USERS


@dataclass(frozen=True)
class Outcome:
    """The result of a trial."""

    attack: Attack
    journal: Journal
    report: AttackReport
    grown_most: str
    """The process whose memory has grown most, by `memory_growth_mib`."""
    memory_growth_mib: float
    problems: list[str]


@dataclass(frozen=True)
class Addresses:
    """The addresses of this machine from which both sides connect."""

    attacker: tuple[str, ...]
    friendly: tuple[str, ...]

    @classmethod
    def separate(cls, number: int) -> "Addresses":
        """Return other addresses for both sides and for each trial: limits are per address."""
        net = number % 250
        return cls(
            tuple(f"127.66.{net}.{n}" for n in range(1, ATTACKING_ADDRESSES + 1)),
            tuple(f"127.77.{net}.{n}" for n in range(1, FRIENDLY_USERS + 1)),
        )

    @classmethod
    def shared(cls, number: int) -> "Addresses":
        """Return one address for both sides, as behind the gateway of a campus."""
        address = f"127.88.{number % 250}.1"
        return cls((address,), (address,))

    @property
    def are_shared(self) -> bool:
        """Whether both sides have the same address."""
        return self.attacker == self.friendly


async def run_trial(system: System, attack: Attack, addresses: Addresses, trial: Trial) -> Outcome:
    """Run an attack beside friendly users, then observe the recovery, and judge both."""
    journal, market = Journal(), Market()
    order_statuses = (201, 400) if attack.competes_for_tickets else (201,)
    users = [
        FriendlyUser(
            system.address,
            addresses.friendly[n % len(addresses.friendly)],
            journal,
            market,
            order_statuses=order_statuses,
            opens_pages=attack.needs_client,
        )
        for n in range(trial.friendly_users)
    ]
    async with AsyncMongoClient[dict[str, Any]](system.mongo) as mongo:
        siege = Siege(system, mongo, journal, [user.email for user in users])
        try:
            facts = await attack.prepare(siege)  # first, because it may take as long as the attack
            for user in users:
                await user.start()
            await asyncio.sleep(trial.warm_up_seconds)
            memory_before = memory_mib(system)
            target = Target(system.port["gateway"], addresses.attacker, trial.attack_seconds, facts)
            journal.phase = DURING
            report = await asyncio.to_thread(_attack, attack, target)
            growth_by_process = {
                name: used - memory_before.get(name, used)
                for name, used in memory_mib(system).items()
            }
            journal.phase = AFTER
            await asyncio.sleep(trial.recovery_seconds)
        finally:
            stopped = await asyncio.gather(*(user.stop() for user in users), return_exceptions=True)
        for error in stopped:
            if isinstance(error, BaseException):
                raise error
        problems = await attack.check(siege, facts, report)
    if not (addresses.are_shared and attack.exhausts_its_address):
        problems += _friendly_problems(journal.phases[DURING], trial, "during the attack")
    problems += _friendly_problems(journal.phases[AFTER], trial, "after it")
    if report.cpu_share > MAX_CPU_SHARE + CPU_TOLERANCE:
        problems.append(f"the attacker used {report.cpu_share:.2f} cores")
    grown_most, memory_growth = max(growth_by_process.items(), key=lambda item: item[1])
    if memory_growth > attack.max_memory_growth_mib:
        problems.append(f"{grown_most} grew by {memory_growth:.0f} MiB")
    return Outcome(attack, journal, report, grown_most, memory_growth, problems)


def _attack(attack: Attack, target: Target) -> AttackReport:
    """Run the attacker in a new process, because its CPU time is measured."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(run_attack, attack, target).result()


def _friendly_problems(record: PhaseRecord, trial: Trial, when: str) -> list[str]:
    problems: list[str] = []
    if record.share_right < trial.min_share_right:
        wrong = ", ".join(f"{count} {what}" for what, count in record.wrong.most_common(4))
        problems.append(
            f"{record.share_right:.1%} of {record.count} requests right {when}: {wrong}"
        )
    for what, step in (("requests", None), ("pages", PAGE)):
        if (p99 := record.quantile(0.99, step)) > trial.max_p99_seconds:
            problems.append(f"p99 of {what} {p99:.1f} s {when}")
    return problems


def is_bindable(addresses: Sequence[str]) -> bool:
    """Return whether this machine has these addresses. macOS has only 127.0.0.1 by default."""
    for address in addresses:
        try:
            socket.create_server((address, 0)).close()
        except OSError:
            return False
    return True
