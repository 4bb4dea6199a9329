"""What tickets does before the money of a sold ticket goes back to its buyer.

The buyer must not have both. So an original that the buyer has not seen is removed first, in one
conditional update that decides against a reveal at the same moment. Then the ticket says what
became of it, and only then orders lets the money go. Every step can be repeated after a crash.
"""

from contextlib import suppress
from typing import Final

from common.errors import BadRequest
from common.events import ReturnedOriginal, TicketReturn, TicketStatus, VaultState
from common.messaging.durable_consumer import DeliveryPostponed
from common.values.clock import Clock
from tickets.domain.ticket import Ticket
from tickets.service import TicketService
from tickets.store.tickets import TicketStore
from tickets.store.vault_entries import VaultEntryStore

RETRY_SECONDS: Final = 15.0
"""How long until it is tried again. An order on a listing of the buyer takes the longest."""


class Refunds:
    """Removes the originals of buyers whose money goes back."""

    def __init__(
        self, service: TicketService, tickets: TicketStore, entries: VaultEntryStore, clock: Clock
    ) -> None:
        self._service = service
        self._tickets = tickets
        self._entries = entries
        self._clock = clock

    async def take_back(self, ticket_id: str, *, order_id: str, hold: int) -> None:
        """Remove an original that its buyer has not seen, and publish what became of it, once.

        Raises:
            DeliveryPostponed: a listing of the buyer may still be sold, or has to get its original.
        """
        ticket = await self._tickets.get(ticket_id)
        if ticket.order_id != order_id or ticket.returned is not None:
            return
        if ticket.pending_entry is not None:
            raise DeliveryPostponed(RETRY_SECONDS)
        returned = TicketReturn(hold=hold, original=await self._take_back(ticket, order_id))
        await self._tickets.update(ticket_id, lambda ticket: ticket.record_return(returned))

    async def _take_back(self, ticket: Ticket, order_id: str) -> ReturnedOriginal:
        listings = await self._tickets.list_from_order(order_id)
        if any(listing.status is TicketStatus.SOLD for listing in listings):
            return ReturnedOriginal.RESOLD
        await self._withdraw(listings)
        if ticket.vault is None:
            return ReturnedOriginal.NONE
        ours = {ticket.id, *(listing.id for listing in listings)}
        entry = await self._entries.update(
            ticket.vault.entry_id, lambda entry: entry.take_back(ticket_id=ticket.id, listings=ours)
        )
        if entry.state is VaultState.VOID:
            return ReturnedOriginal.VOID
        if entry.ticket_id not in ours:  # it was listed again since
            raise DeliveryPostponed(RETRY_SECONDS)
        return ReturnedOriginal.REVEALED

    async def _withdraw(self, listings: list[Ticket]) -> None:
        """Withdraw what the buyer lists again, and wait until no order of before can arrive.

        Raises:
            DeliveryPostponed: one may still arrive.
        """
        now = self._clock()
        remaining = [listing for listing in listings if not listing.is_gone(now)]
        for listing in remaining:
            with suppress(BadRequest):  # it is sold by now
                await self._service.withdraw(listing.id, user_id=listing.user_id)
        if remaining:
            raise DeliveryPostponed(RETRY_SECONDS)
