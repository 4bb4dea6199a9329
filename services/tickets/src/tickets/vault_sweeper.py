"""What remains to be done with entries of the vault after an upload, or after a process died.

An entry, its ticket and the entry that it replaces are three documents. The upload writes them in
an order in which every state between two writes is valid. A periodic run completes what a process
left behind that died in between, and removes what no ticket uses any more.
"""

from datetime import timedelta
from typing import Final

import structlog
from pymongo.errors import DuplicateKeyError

from common.change import Change
from common.errors import ApiError
from common.events import TicketStatus
from common.persistence.lease import Lease
from common.values.clock import Clock
from tickets.domain.ticket import WITHDRAWAL_DELAY, Ticket
from tickets.domain.vault_entry import VaultEntry
from tickets.store.tickets import TicketStore
from tickets.store.vault_entries import VaultEntryStore

log = structlog.get_logger("vault")

INTERVAL_SECONDS: Final = 20.0
LEASE_TTL: Final = timedelta(seconds=1.5 * INTERVAL_SECONDS)
MAX_ENTRIES: Final = 1_000
"""How many entries one run settles."""


class VaultSweeper:
    """Settles entries of the vault: completes, retains or removes them."""

    def __init__(
        self, entries: VaultEntryStore, tickets: TicketStore, lease: Lease, clock: Clock
    ) -> None:
        self._entries = entries
        self._tickets = tickets
        self._lease = lease
        self._clock = clock
        self._after: str | None = None
        """The last entry of the run before, so that each run settles other ones."""

    async def run(self) -> None:
        """Settle the entries with which something remains to be done; one replica does so."""
        if not await self._lease.acquire_or_renew():
            return
        page = await self._entries.list_unsettled(after=self._after, limit=MAX_ENTRIES)
        self._after = page[-1].id if len(page) == MAX_ENTRIES else None
        for entry in page:
            try:
                await self.settle(entry)
            except ApiError:
                log.exception("entry of the vault not settled, retrying", entry=entry.id)

    async def settle(self, entry: VaultEntry) -> VaultEntry:
        """Attach an entry that its ticket uses, and do what is due with any other."""
        ticket = await self._tickets.update(entry.ticket_id, Change)  # as a majority has it
        now = self._clock()
        if entry.id not in _used_entries(ticket):
            return await self._entries.update(entry.id, lambda entry: entry.expire(now))
        if entry.released_at is not None and now - entry.released_at <= WITHDRAWAL_DELAY:
            return entry  # its withdrawal may be in progress
        await self.release_unused(ticket)
        try:
            return await self._entries.update(entry.id, VaultEntry.attach)
        except DuplicateKeyError:  # somebody has uploaded the code since the entry was released
            log.warning("the code of a ticket is in two entries of the vault", entry=entry.id)
            return await self._entries.update(entry.id, lambda e: e.attach(is_current=False))

    async def release_unused(self, ticket: Ticket) -> None:
        """Release the entries that a ticket does not use any more."""
        now = self._clock()
        known = (ticket.vault, ticket.late_vault, *ticket.replaced)
        for entry_id in {copy.entry_id for copy in known if copy} - _used_entries(ticket):
            entry = await self._entries.get(entry_id)
            if entry.ticket_id == ticket.id and entry.released_at is None:
                await self._entries.update(entry_id, lambda entry: entry.release(now))


def _used_entries(ticket: Ticket) -> set[str]:
    """Return the ids of the entries that a buyer of the ticket may get."""
    if ticket.withdrawn:
        return set()
    late = ticket.late_vault if ticket.status is TicketStatus.RESERVED else None
    return {copy.entry_id for copy in (ticket.vault, late) if copy}
