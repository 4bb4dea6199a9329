"""The sweeper, which expires orders whose expiration event is overdue.

An order must not outlive its window because expiration, its clock or NATS has failed.
"""

from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Final

import structlog

from common.background import run_periodically
from common.persistence.lease import Lease
from common.values.clock import Clock
from orders.domain.order import OVERDUE_GRACE
from orders.service import OrderService

log = structlog.get_logger("sweeper")

INTERVAL_SECONDS: Final = 1.0
LEASE_TTL: Final = timedelta(seconds=3)


def run_sweeper(
    orders: OrderService, lease: Lease, clock: Clock
) -> AbstractAsyncContextManager[None]:
    """Sweep every second while this replica holds the lease.

    The first sweep waits, because payments may be among the events that came while no replica ran.
    """
    begins_at = clock() + OVERDUE_GRACE

    async def sweep() -> None:
        if clock() < begins_at or not await lease.acquire_or_renew():
            return
        expired = await orders.expire_overdue()
        if expired:
            log.warning("overdue orders expired without their event", expired=expired)

    return run_periodically(INTERVAL_SECONDS, sweep, name="overdue orders")
