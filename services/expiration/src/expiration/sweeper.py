"""The sweep: finds in MongoDB what no alarm has fired, or will fire, and does without Redis.

It runs beside the listeners and not in the worker, so that deadlines fire when the worker is dead.
"""

from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Final

import structlog

from common.background import every
from common.persistence.lease import Lease
from expiration.service import Expirations

log = structlog.get_logger("sweep")

LEASE: Final = timedelta(seconds=3)


def sweeping(
    expirations: Expirations, lease: Lease, seconds: float
) -> AbstractAsyncContextManager[None]:
    """Sweep while the service runs, at once and then again and again."""
    grace = timedelta(seconds=seconds / 4)  # an alarm that rings is not to be raced

    async def sweep() -> None:
        if not await lease.held():
            return
        fired = await expirations.fire_overdue(grace)
        restored = await expirations.restore_alarms()
        if fired or restored:
            log.info("swept", fired=fired, alarms_restored=restored)

    return every(seconds, sweep, name="deadlines")
