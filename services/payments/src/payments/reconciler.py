"""The reconciler: syncs every charge that was left unfinished, also without any webhook.

It also searches for disputes, which begin at a bank while a charge is not looked at.

A charge is claimed before it is synced, so that replicas do not sync the same one. If a process
dies, its charges become due again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from typing import Final

import structlog
from pymongo.errors import PyMongoError

from common.background import run_periodically
from payments.disputes import Disputes
from payments.domain.charge import Charge
from payments.stripe.gateway import StripeUnavailable
from payments.sync import ChargeSync

log = structlog.get_logger("reconciler")

CONCURRENCY: Final = 16


def run_reconciler(sync: ChargeSync, interval_seconds: float) -> AbstractAsyncContextManager[None]:
    """Reconcile periodically in the background; an interval of 0 turns it off."""

    async def run_once() -> None:
        while due := await _claim_due(sync):
            await asyncio.gather(*(_reconcile(sync, charge) for charge in due))

    return _run(run_once, interval_seconds, name="reconciler")


def run_dispute_search(
    disputes: Disputes, interval_seconds: float
) -> AbstractAsyncContextManager[None]:
    """Search for missed disputes periodically in the background; an interval of 0 turns it off."""

    async def run_once() -> None:
        with suppress(StripeUnavailable):  # logged by the client
            await disputes.find_missed()

    return _run(run_once, interval_seconds, name="dispute search")


def _run(
    run_once: Callable[[], Awaitable[None]], interval_seconds: float, *, name: str
) -> AbstractAsyncContextManager[None]:
    return (
        run_periodically(interval_seconds, run_once, name=name)
        if interval_seconds
        else nullcontext()
    )


async def _claim_due(sync: ChargeSync) -> list[Charge]:
    due: list[Charge] = []
    while len(due) < CONCURRENCY and (charge := await sync.claim_due()):
        due.append(charge)
    return due


async def _reconcile(sync: ChargeSync, charge: Charge) -> None:
    try:
        after = await sync.sync_with_stripe(charge)
    except StripeUnavailable:
        return  # logged by the client; the charge becomes due again
    except PyMongoError:
        raise
    except Exception:
        log.exception("charge reconciliation failed", charge=charge.id)
        return
    if after.status is not charge.status:
        log.info("charge reconciled", charge=charge.id, was=charge.status, now=after.status)
