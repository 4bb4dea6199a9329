"""Listing again what was bought here, with its original, which stays in the vault.

The new listing is inserted first, as one that is only described. Then the vault's entry moves to it
in one conditional update, and then the listing becomes protected. What a process leaves behind that
dies in between is completed by a retry of the request, or by the sweep.
"""

from datetime import timedelta
from typing import Final

import structlog

from common.errors import BadRequest, Conflict, Gone, Unauthorized
from common.persistence.lease import Lease
from common.values.clock import Clock
from tickets.domain.listing_again import abandon_resale, complete_resale
from tickets.domain.ticket import WITHDRAWAL_DELAY, Ticket
from tickets.domain.vault_entry import LISTED_AGAIN, VaultEntry
from tickets.service import TicketService
from tickets.store.tickets import TicketStore
from tickets.store.vault_entries import VaultEntryStore

log = structlog.get_logger("resale")

SWEEP_AFTER: Final = timedelta(seconds=10)
"""How old a listing is that a sweep completes. Most requests take less."""
FIELD: Final = "fromOrderId"


class Resale:
    """Lists tickets again."""

    def __init__(
        self,
        service: TicketService,
        tickets: TicketStore,
        entries: VaultEntryStore,
        lease: Lease,
        clock: Clock,
    ) -> None:
        self._service = service
        self.tickets = tickets
        self._entries = entries
        self._lease = lease
        self._clock = clock

    async def list_again(
        self, *, ticket_id: str, title: str, price: int, seller_id: str, order_id: str
    ) -> Ticket:
        """List the ticket of a complete order of the seller. The price is in cents.

        Raises:
            BadRequest: there is no such ticket, its money goes back, or it cannot be listed.
            Unauthorized: another person bought it.
            Conflict: it is listed again already.
            TooManyRequests: the seller has listed too many tickets.
        """
        bought = await self.tickets.find_sold(order_id)
        if bought is None:
            raise BadRequest("There is no paid ticket of this order", field=FIELD)
        if bought.holder_id != seller_id:
            raise Unauthorized
        if bought.return_pending or bought.returned is not None:
            raise BadRequest("The money of this order goes back", field=FIELD)
        await self._require_not_listed(bought, ticket_id)
        ticket = await self._service.list_bought(
            bought, ticket_id=ticket_id, title=title, price=price, seller_id=seller_id
        )
        return await self.complete(ticket)

    async def _require_not_listed(self, bought: Ticket, ticket_id: str) -> None:
        """Raise `Conflict` if another listing of the ticket is not withdrawn, or may come back."""
        now = self._clock()
        for listing in await self.tickets.list_from_order(bought.order_id or ""):
            if listing.id == ticket_id:
                continue
            if not listing.withdrawn:
                raise Conflict("You have already listed this ticket again", field=FIELD)
            if listing.vault is not None and not listing.is_gone(now):
                raise Conflict(
                    "You withdrew this ticket a moment ago. Try again in a minute",
                    field=FIELD,
                    retry_after=int(WITHDRAWAL_DELAY.total_seconds()),
                )

    async def complete(self, ticket: Ticket) -> Ticket:
        """Move the original to a new listing, and protect the listing. Repeating it is harmless.

        Raises:
            Conflict: the original is in another listing. This one is withdrawn.
            BadRequest: the original was removed. This listing is withdrawn.
        """
        if ticket.pending_entry is None:
            return ticket
        try:
            entry = await self._move(ticket, ticket.pending_entry)
        except (Conflict, Gone) as error:
            now = self._clock()
            await self.tickets.update(ticket.id, lambda ticket: abandon_resale(ticket, now))
            refusal = Conflict if isinstance(error, Conflict) else BadRequest
            raise refusal(str(error), field=FIELD) from None
        return await self.tickets.update(
            ticket.id, lambda ticket: complete_resale(ticket, entry.to_copy())
        )

    async def _move(self, ticket: Ticket, entry_id: str) -> VaultEntry:
        """Move an entry from the bought listing, or from a withdrawn one of the same buyer.

        Raises:
            Conflict: another listing has it.
            Gone: it was removed.
        """
        order_id = ticket.from_order_id or ""
        bought = await self.tickets.find_sold(order_id)
        entry = await self._entries.get(entry_id)
        newest = await self.tickets.get(entry.ticket_id)
        is_own = newest.from_order_id == order_id and newest.is_gone(self._clock())
        if bought is None or not (newest.id in {bought.id, ticket.id} or is_own):
            raise Conflict(LISTED_AGAIN)
        return await self._entries.update(
            entry_id,
            lambda entry: entry.list_again(sold=bought.id, newest=newest.id, ticket_id=ticket.id),
        )

    async def complete_pending(self) -> None:
        """Complete the listings whose process died while it moved their originals.

        The replica that holds the lease of the vault does so.
        """
        if not await self._lease.acquire_or_renew():
            return
        for ticket in await self.tickets.find_pending(before=self._clock() - SWEEP_AFTER):
            try:
                await self.complete(ticket)
            except (Conflict, BadRequest) as error:
                log.info(
                    "listing without its original withdrawn", ticket=ticket.id, reason=str(error)
                )
