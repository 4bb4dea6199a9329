"""The sweeper, which expires overdue orders and restores lost timers from MongoDB.

It runs in the service process, so that orders expire without the worker and without Redis.
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
    """Run a sweep immediately and then at every interval, while this replica holds the lease."""
    grace = timedelta(seconds=interval_seconds / 4)  # leaves due orders to their timers

    async def sweep() -> None:
        if not await lease.acquire_or_renew():
            return
        expired = await expirations.expire_overdue(grace)
        restored = await expirations.restore_timers()
        if expired or restored:
            log.info("deadlines swept", expired=expired, timers_restored=restored)

    return run_periodically(interval_seconds, sweep, name="deadlines")
