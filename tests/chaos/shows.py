"""The shows of a run: one starts during it, an operator cancels one, and one takes place later."""

import asyncio
import os
import sys
from datetime import timedelta
from typing import Any, Final

import click

from common.values.clock import utc_now
from support.api_user import signed_in_user
from support.system import System

START_SHARE: Final = 0.4
"""After which share of the run one show starts, and the other is cancelled."""


async def add_shows(system: System, seconds: float) -> list[Any]:
    """Add the three shows, in the order above, before anything is killed."""
    starts = (timedelta(seconds=seconds * START_SHARE), timedelta(days=30), timedelta(days=60))
    creator = signed_in_user(system.address)
    try:
        return [
            await creator.request_ok("POST", "/api/tickets/shows", _show(number, start), expect=201)
            for number, start in enumerate(starts)
        ]
    finally:
        await creator.close()


def _show(number: int, start: timedelta) -> dict[str, Any]:
    starts_at = utc_now() + start
    return {
        "name": f"Show {number}",
        "startsAt": starts_at.isoformat(timespec="seconds"),
        "endsAt": (starts_at + timedelta(hours=3)).isoformat(timespec="seconds"),
        "timeZone": "UTC",
        "venue": {"name": "Tempodrom", "city": "Berlin", "country": "DE"},
        "category": "concert",
    }


async def cancel_show_during_run(system: System, show: Any, seconds: float) -> None:
    """Cancel a show as an operator does, and repeat it until the command succeeds."""
    await asyncio.sleep(seconds * START_SHARE)
    cancelled = False
    while not cancelled:
        cancelled = await _cancel(system, show["id"])
    click.echo("one show has started, one is cancelled")


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
