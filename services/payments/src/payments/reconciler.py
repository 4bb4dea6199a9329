"""The reconciler: looks again at every charge that was left unfinished, whoever left it.

It heals every crash without a single webhook. A charge is taken before it is looked at, so that
replicas do not look at the same one; whoever dies over it leaves it to the next round.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import structlog
from pymongo.errors import PyMongoError

from payments.domain import Charge
from payments.gateway import StripeAway
from payments.service import Payments

log = structlog.get_logger("reconciler")

AT_ONCE: Final = 16


class Reconciler:
    """Goes its round every few seconds, or at once when there is something to do."""

    def __init__(self, payments: Payments, every_seconds: float) -> None:
        self._payments = payments
        self._every = every_seconds

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Go the rounds for as long as the service runs; never, if the interval is 0."""
        task = asyncio.create_task(self._rounds(), name="reconciler") if self._every else None
        try:
            yield
        finally:
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def round(self) -> int:
        """Look at everything that is due now; tell how many there were."""
        count = 0
        while due := await self._take():
            await asyncio.gather(*(self._look_at(charge) for charge in due))
            count += len(due)
        return count

    async def _rounds(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._payments.work.wait(), self._every)
            self._payments.work.clear()
            try:
                await self.round()
            except PyMongoError as error:
                log.warning("round broken off, trying again", error=repr(error))

    async def _take(self) -> list[Charge]:
        due: list[Charge] = []
        while len(due) < AT_ONCE and (charge := await self._payments.next_due()):
            due.append(charge)
        return due

    async def _look_at(self, charge: Charge) -> None:
        try:
            after = await self._payments.apply(charge)
        except StripeAway:
            return  # the gateway said so; the charge comes back
        except PyMongoError:
            raise
        except Exception:
            log.exception("cannot be looked at", charge=charge.id)
            return
        if after.status is not charge.status:
            log.info("healed", charge=charge.id, was=charge.status, now=after.status)
