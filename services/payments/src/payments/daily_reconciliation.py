"""The daily reconciliation with Stripe, and the metrics of the last one."""

from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Final

from common.background import run_periodically
from common.persistence.lease import Lease
from common.values.clock import Clock
from payments.metrics import export_reconciliation
from payments.reconciliation import reconcile
from payments.store.ledger import Ledger
from payments.stripe.balance import StripeBalance
from payments.stripe.gateway import StripeUnavailable

INTERVAL: Final = timedelta(days=1)
LEASE_TTL: Final = timedelta(hours=1)
REFRESH_SECONDS: Final = 30.0


def run_daily_reconciliation(
    ledger: Ledger, stripe: StripeBalance, lease: Lease, clock: Clock, *, is_enabled: bool
) -> AbstractAsyncContextManager[None]:
    """Export the last reconciliation as metrics; if enabled, run one a day, in one replica."""

    async def run_once() -> None:
        last = await ledger.last(clock())
        export_reconciliation(last)
        if not is_enabled or clock() - last.at < INTERVAL or not await lease.acquire_or_renew():
            return
        try:
            result, _ = await reconcile(ledger, stripe, clock)
        except StripeUnavailable:
            return  # logged by the client; the next round tries again
        export_reconciliation(result)

    return run_periodically(REFRESH_SECONDS, run_once, name="daily reconciliation")
