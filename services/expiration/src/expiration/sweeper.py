"""The sweep: finds in MongoDB what no alarm has fired, or will fire, and does without Redis.

It runs beside the listeners and not in the worker, so that deadlines fire when the worker is dead.
"""

from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Final

import structlog

from common.background import run_periodically
from common.persistence.lease import Lease
from expiration.service import ExpirationService

log = structlog.get_logger("sweeper")

LEASE_TTL: Final = timedelta(seconds=3)


def run_sweeper(
    expirations: ExpirationService, lease: Lease, interval_seconds: float
) -> AbstractAsyncContextManager[None]:
    """Sweep while the service runs, at once and then again and again."""
    grace = timedelta(seconds=interval_seconds / 4)  # an alarm that rings is not to be raced

    async def sweep() -> None:
        if not await lease.acquire_or_renew():
            return
        expired = await expirations.expire_overdue(grace)
        restored = await expirations.restore_timers()
        if expired or restored:
            log.info("deadlines swept", fired=expired, alarms_restored=restored)

    return run_periodically(interval_seconds, sweep, name="deadlines")
