"""The reconciler: looks again at every charge that was left unfinished, whoever left it.

It heals every crash without a single webhook. A charge is taken before it is looked at, so that
replicas do not look at the same one; whoever dies over it leaves it to a later round.
"""

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Final

import structlog
from pymongo.errors import PyMongoError

from common.background import run_periodically
from payments.domain import Charge
from payments.service import PaymentService
from payments.stripe.gateway import StripeUnavailable

log = structlog.get_logger("reconciler")

CONCURRENCY: Final = 16


def run_reconciler(
    payments: PaymentService, interval_seconds: float
) -> AbstractAsyncContextManager[None]:
    """Go the rounds while the service runs; never, if there are 0 seconds between them."""

    async def run_once() -> None:
        while due := await _claim_due(payments):
            await asyncio.gather(*(_reconcile(payments, charge) for charge in due))

    return (
        run_periodically(interval_seconds, run_once, name="reconciler")
        if interval_seconds
        else nullcontext()
    )


async def _claim_due(payments: PaymentService) -> list[Charge]:
    due: list[Charge] = []
    while len(due) < CONCURRENCY and (charge := await payments.claim_due()):
        due.append(charge)
    return due


async def _reconcile(payments: PaymentService, charge: Charge) -> None:
    try:
        after = await payments.sync_with_stripe(charge)
    except StripeUnavailable:
        return  # the gateway said so; the charge comes back
    except PyMongoError:
        raise
    except Exception:
        log.exception("charge reconciliation failed", charge=charge.id)
        return
    if after.status is not charge.status:
        log.info("charge reconciled", charge=charge.id, was=charge.status, now=after.status)
