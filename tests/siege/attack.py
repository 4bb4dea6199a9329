"""An attack: its preparation, what the attacker does, and what must hold for it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo import AsyncMongoClient

from common.testing.client import make_user, session_cookie
from siege.attacker import Attacker, AttackReport, Facts, Target
from siege.journal import Journal
from support.api_user import signed_in_user
from support.system import System
from ticketing_local.api_user import ApiUser


@dataclass(frozen=True)
class Siege:
    """The attacked system, as the suite that watches it sees it."""

    system: System
    mongo: AsyncMongoClient[dict[str, Any]]
    journal: Journal
    """The requests of the friendly users during this attack."""
    friendly_emails: Sequence[str]
    """The accounts of the friendly users. All have the same password."""

    async def accounts(self, count: int) -> list[ApiUser]:
        """Create accounts that sign in with `PASSWORD`."""
        return [await ApiUser.sign_up(self.system.address, "attacker") for _ in range(count)]

    async def listed_tickets(self, count: int, price: float = 20) -> list[str]:
        """List tickets of a new seller, and return their ids."""
        async with signed_in_user(self.system.address) as seller:
            listings = (seller.sell(f"Attacked seat {n}", price) for n in range(count))
            return [ticket["id"] for ticket in await asyncio.gather(*listings)]

    def session_cookies(self, count: int) -> tuple[list[str], list[str]]:
        """Return the ids and the Cookie headers of new users."""
        users = [make_user() for _ in range(count)]
        return [user.id for user in users], [f"session={session_cookie(user)}" for user in users]


def cookie_of(user: ApiUser) -> str:
    """Return the Cookie header of a user."""
    return "; ".join(f"{name}={value}" for name, value in user.http.cookies.items())


Prepare = Callable[[Siege], Awaitable[Facts]]
Check = Callable[[Siege, Facts, AttackReport], Awaitable[list[str]]]


async def nothing_to_prepare(_siege: Siege) -> Facts:
    """Return no facts."""
    return {}


async def nothing_to_check(_siege: Siege, _facts: Facts, _report: AttackReport) -> list[str]:
    """Return no problem: the attack is only against the availability."""
    return []


@dataclass(frozen=True)
class Attack:
    """An attack. Its functions are module-level, because another process calls `run`."""

    name: str
    summary: str
    run: Callable[[Attacker], Awaitable[None]]
    prepare: Prepare = nothing_to_prepare
    check: Check = nothing_to_check
    """Returns what the attacker achieved and should not have."""
    exhausts_its_address: bool = False
    """Whether the limits of the attacker's address are meant to reject it, and so its neighbours
    behind the same address too."""
    competes_for_tickets: bool = False
    """Whether friendly users may find that a ticket is already reserved."""
    max_memory_growth_mib: float = 80
    """By how much the largest process may grow."""
    needs_client: bool = False


def run_attack(attack: Attack, target: Target) -> AttackReport:
    """Run an attack to its end. Called in the attacker's process."""

    async def run() -> AttackReport:
        attacker = Attacker(target)
        await attack.run(attacker)
        return attacker.finish()

    return asyncio.run(run())
