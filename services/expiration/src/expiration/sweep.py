"""The sweep: finds in MongoDB what no alarm has fired, or will fire, and does without Redis.

It runs beside the listeners and not in the worker, so that deadlines fire when the worker is dead.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import structlog

from common.lease import Lease
from expiration.service import Expirations

log = structlog.get_logger("sweep")

LEASE: Final = timedelta(seconds=3)


async def _sweep_for_ever(expirations: Expirations, lease: Lease, every: timedelta) -> None:
    grace = every / 2  # an alarm that rings is not to be raced
    while True:
        try:
            if await lease.held():
                fired = await expirations.fire_overdue(grace)
                restored = await expirations.restore_alarms()
                if fired or restored:
                    log.warning("swept", fired=fired, alarms_restored=restored)
        except Exception:
            log.exception("sweep failed, trying again")
        await asyncio.sleep(every.total_seconds())


@asynccontextmanager
async def sweeping(
    expirations: Expirations, lease: Lease, every: timedelta
) -> AsyncGenerator[None]:
    """Sweep while the service runs, at once and then again and again."""
    task = asyncio.create_task(_sweep_for_ever(expirations, lease, every), name="sweep deadlines")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
