"""The copies of a show's facts in its tickets.

The process that changes a show updates its tickets immediately. A periodic run completes what a
process left behind that died in between, and finds tickets that were inserted with the facts before
the change.
"""

from datetime import timedelta
from typing import Final

from common.persistence.lease import Lease
from common.values.clock import Clock
from tickets.domain.show import Show
from tickets.store.shows import ShowStore
from tickets.store.tickets import TicketStore

INTERVAL_SECONDS: Final = 5.0
LEASE_TTL: Final = timedelta(seconds=1.5 * INTERVAL_SECONDS)
BATCH_SIZE: Final = 500
GRACE: Final = timedelta(minutes=2)
"""How long after a change a ticket may still be inserted with the facts before it: longer than any
request takes."""


class ShowCopies:
    """Updates the tickets of a show to its present facts, each with an event."""

    def __init__(self, shows: ShowStore, tickets: TicketStore, lease: Lease, clock: Clock) -> None:
        self._shows = shows
        self._tickets = tickets
        self._lease = lease
        self._clock = clock

    async def refresh(self, show: Show) -> int:
        """Update the tickets of a show that have older facts, and return their number."""
        count = 0
        while ids := await self._tickets.find_outdated_copies(
            show.id, show.facts_version, limit=BATCH_SIZE
        ):
            await self._tickets.update_many(ids, lambda ticket: ticket.refresh_show(show.facts))
            count += len(ids)
        return count

    async def refresh_changed(self) -> None:
        """Update the tickets of the shows that have changed lately; one replica does so."""
        if not await self._lease.acquire_or_renew():
            return
        async for show in self._shows.iter_changed():
            await self.refresh(show)
            changed_at = show.facts_changed_at
            if changed_at is not None and self._clock() - changed_at > GRACE:
                await self._shows.mark_copied(show)
