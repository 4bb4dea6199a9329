"""The reconciler: looks again at every charge that was left unfinished, whoever left it.

It heals every crash without a single webhook. A charge is taken before it is looked at, so that
replicas do not look at the same one; whoever dies over it leaves it to a later round.
"""

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Final

import structlog
from pymongo.errors import PyMongoError

from common.background import every
from payments.domain import Charge
from payments.service import Payments
from payments.stripe.gateway import StripeAway

log = structlog.get_logger("reconciler")

AT_ONCE: Final = 16


def reconciling(payments: Payments, seconds: float) -> AbstractAsyncContextManager[None]:
    """Go the rounds while the service runs; never, if there are 0 seconds between them."""

    async def go_round() -> None:
        while due := await _take(payments):
            await asyncio.gather(*(_look_at(payments, charge) for charge in due))

    return every(seconds, go_round, name="reconciler") if seconds else nullcontext()


async def _take(payments: Payments) -> list[Charge]:
    due: list[Charge] = []
    while len(due) < AT_ONCE and (charge := await payments.next_due()):
        due.append(charge)
    return due


async def _look_at(payments: Payments, charge: Charge) -> None:
    try:
        after = await payments.apply(charge)
    except StripeAway:
        return  # the gateway said so; the charge comes back
    except PyMongoError:
        raise
    except Exception:
        log.exception("cannot be looked at", charge=charge.id)
        return
    if after.status is not charge.status:
        log.info("healed", charge=charge.id, was=charge.status, now=after.status)
