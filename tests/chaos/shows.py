"""The shows of a run.

One takes place during it, so that its sellers are paid. An operator cancels one before it, and one
when its sellers are just being paid. One takes place later.
"""

import asyncio
import os
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import click

from chaos.early_release import AFTER_SHOW
from common.values.clock import utc_now
from support.api_user import signed_in_user
from support.system import System

START_SHARE: Final = 0.4
"""After which share of the run one show starts, and another is cancelled."""
EARLY_SHARE: Final = 0.25
"""After which share of the run the show starts that is cancelled when its sellers are paid."""
LENGTH: Final = timedelta(seconds=5)


@dataclass(frozen=True)
class Shows:
    """The shows, as the API returned them."""

    held: Any
    cancelled: Any
    later: Any
    cancelled_late: Any

    @property
    def all(self) -> list[Any]:
        """What tickets are listed for."""
        return [self.held, self.cancelled, self.later, self.cancelled_late]


async def add_shows(system: System, seconds: float) -> Shows:
    """Add the shows before anything is killed."""
    creator = signed_in_user(system.address)
    starts = (
        timedelta(seconds=seconds * START_SHARE),
        timedelta(days=30),
        timedelta(days=60),
        timedelta(seconds=seconds * EARLY_SHARE),
    )
    try:
        return Shows(
            *[
                await creator.request_ok(
                    "POST", "/api/tickets/shows", _show(number, start), expect=201
                )
                for number, start in enumerate(starts)
            ]
        )
    finally:
        await creator.close()


def _show(number: int, start: timedelta) -> dict[str, Any]:
    starts_at = utc_now() + start
    return {
        "name": f"Show {number}",
        "startsAt": starts_at.isoformat(timespec="seconds"),
        "endsAt": (starts_at + LENGTH).isoformat(timespec="seconds"),
        "timeZone": "UTC",
        "venue": {"name": "Tempodrom", "city": "Berlin", "country": "DE"},
        "category": "concert",
    }


async def cancel_shows_during_run(system: System, shows: Shows, seconds: float) -> None:
    """Cancel two shows as an operator does."""
    released_at = datetime.fromisoformat(shows.cancelled_late["endsAt"]) + AFTER_SHOW
    await asyncio.gather(
        _cancel_at(system, shows.cancelled, utc_now() + timedelta(seconds=seconds * START_SHARE)),
        _cancel_at(system, shows.cancelled_late, released_at),
    )
    click.echo("one show has taken place, two are cancelled")


async def _cancel_at(system: System, show: Any, at: datetime) -> None:
    """Cancel a show at this time, and repeat it until the command succeeds."""
    await asyncio.sleep(max((at - utc_now()).total_seconds(), 0))
    cancelled = False
    while not cancelled:
        cancelled = await _cancel(system, show["id"])


async def _cancel(system: System, show_id: str) -> bool:
    tickets = system.processes[system.replicas_of("tickets")[0]]
    command = ("tickets", "show-cancel", show_id, "--actor", "chaos", "--reason", "rain")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "common.operations.cli", *command),
        env={"PATH": os.environ["PATH"], **tickets.program.environment, "LOG_LEVEL": "ERROR"},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    return await process.wait() == 0
