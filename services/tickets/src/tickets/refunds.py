"""What tickets does before the money of a sold ticket goes back to its buyer.

The buyer must not have both. So an original that the buyer has not seen is removed first, in one
conditional update that decides against a reveal at the same moment. Then the ticket says what
became of it, and only then orders lets the money go. Every step can be repeated, and a periodic run
completes what a process left behind, and what had to wait for a listing of the buyer.
"""

from collections.abc import Sequence
from contextlib import suppress

import structlog

from common.errors import ApiError, BadRequest
from common.events import ReturnedOriginal, TicketReturn, TicketStatus, VaultState
from common.persistence.lease import Lease
from common.values.clock import Clock
from tickets.domain.ticket import Ticket
from tickets.service import TicketService
from tickets.store.tickets import TicketStore
from tickets.store.vault_entries import VaultEntryStore

log = structlog.get_logger("refunds")


class Refunds:
    """Removes the originals of buyers whose money goes back."""

    def __init__(
        self,
        service: TicketService,
        tickets: TicketStore,
        entries: VaultEntryStore,
        lease: Lease,
        clock: Clock,
    ) -> None:
        self._service = service
        self._tickets = tickets
        self._entries = entries
        self._lease = lease
        self._clock = clock

    async def take_back(self, ticket_id: str) -> None:
        """Remove an original that its buyer has not seen, and publish what became of it, once.

        Nothing is published yet if the buyer's listing of it may still be sold.
        """
        ticket = await self._tickets.get(ticket_id)
        if not ticket.return_pending or ticket.order_id is None:
            return
        original = await self._take_back(ticket, ticket.order_id)
        if original is not None:
            returned = TicketReturn(hold=ticket.fence.hold, original=original)
            await self._tickets.update(ticket_id, lambda ticket: ticket.record_return(returned))

    async def complete_pending(self) -> None:
        """Complete what is pending. The replica that holds the lease of the vault does so."""
        if not await self._lease.acquire_or_renew():
            return
        for ticket_id in await self._tickets.find_pending_returns():
            try:
                await self.take_back(ticket_id)
            except ApiError:
                log.exception("original not taken back, retrying", ticket=ticket_id)

    async def _take_back(self, ticket: Ticket, order_id: str) -> ReturnedOriginal | None:
        """Return what became of the original, or None if that is not decided yet."""
        listings = await self._tickets.list_from_order(order_id)
        if any(listing.status is TicketStatus.SOLD for listing in listings):
            return ReturnedOriginal.RESOLD
        if ticket.pending_entry is not None or await self._withdraw(listings):
            return None
        if ticket.vault is None:
            return ReturnedOriginal.NONE
        ours = {ticket.id, *(listing.id for listing in listings)}
        entry = await self._entries.update(
            ticket.vault.entry_id, lambda entry: entry.take_back(ticket_id=ticket.id, listings=ours)
        )
        if entry.state is VaultState.VOID:
            return ReturnedOriginal.VOID
        return ReturnedOriginal.REVEALED if entry.ticket_id in ours else None

    async def _withdraw(self, listings: Sequence[Ticket]) -> bool:
        """Withdraw what the buyer lists again, and return whether an order may still arrive."""
        now = self._clock()
        remaining = [listing for listing in listings if not listing.is_gone(now)]
        for listing in remaining:
            with suppress(BadRequest):  # it is sold by now
                await self._service.withdraw(listing.id, user_id=listing.user_id)
        return bool(remaining)
