"""What happens when somebody uploads a code that is in the vault already.

A code is on sale at most once, so the second upload is refused. If another person sends it, one of
the two may have a copy. The first time that this happens, the listing cannot be ordered for a
while, in which an operator may decide. What is reserved or sold is not touched.
"""

from datetime import timedelta
from typing import Final, NoReturn

from common.errors import BadRequest, Conflict
from common.events import TicketStatus
from common.values.clock import Clock
from tickets.domain.listing_again import clear, freeze, withdraw_as_operator
from tickets.domain.ticket import WITHDRAWAL_DELAY, Ticket
from tickets.domain.vault_entry import Decision, Match, VaultEntry
from tickets.store.tickets import TicketStore
from tickets.store.vault_entries import VaultEntryStore
from tickets.vault_sweeper import VaultSweeper

FREEZE: Final = timedelta(hours=72)
"""How long a listing cannot be ordered without a decision."""
_FIELD: Final = "file"


class Duplicates:
    """Refuses codes that are listed already, and carries out the decisions of operators."""

    def __init__(
        self, tickets: TicketStore, entries: VaultEntryStore, sweeper: VaultSweeper, clock: Clock
    ) -> None:
        self._tickets = tickets
        self._entries = entries
        self._sweeper = sweeper
        self._clock = clock

    async def refuse(self, entry: VaultEntry, *, ticket_id: str, user_id: str) -> NoReturn:
        """Refuse an upload of a code that another entry has, and note what it means.

        Args:
            entry: the other entry.
            ticket_id: the ticket for which the code was uploaded.
            user_id: its seller.

        Raises:
            Conflict: always. It does not say whose the other listing is.
        """
        listing = await self._tickets.get(entry.ticket_id)
        match = Match(user_id, ticket_id, self._clock())
        if listing.user_id == user_id:
            if listing.withdrawn:
                raise Conflict(
                    "You withdrew this ticket a moment ago. Try again in a minute",
                    field=_FIELD,
                    retry_after=int(WITHDRAWAL_DELAY.total_seconds()),
                )
            if listing.status is TicketStatus.SOLD:  # sold, and offered again
                await self._entries.update(entry.id, lambda entry: entry.record_match(match))
            raise Conflict("You have listed this ticket already", field=_FIELD)
        if listing.holder_id == user_id:
            raise Conflict("You bought this ticket here. List it from its order", field=_FIELD)
        # The listing comes first: after a crash in between, the next upload is a first match again.
        if not entry.matches:
            await self._tickets.update(listing.id, lambda ticket: freeze(ticket, match.at + FREEZE))
        await self._entries.update(entry.id, lambda entry: entry.record_match(match))
        raise Conflict("This ticket is listed already", field=_FIELD)

    async def clear(self, ticket_id: str) -> Ticket:
        """Allow orders of a listing again, as an operator."""
        await self._record_decision(ticket_id, Decision.CLEARED)
        return await self._tickets.update(ticket_id, clear)

    async def withdraw(self, ticket_id: str) -> Ticket:
        """Withdraw a listing, now or when its order is cancelled, as an operator.

        Raises:
            BadRequest: the ticket is sold.
        """
        now = self._clock()
        after = withdraw_as_operator(await self._tickets.get(ticket_id), now).after
        await self._record_decision(ticket_id, Decision.WITHDRAWN)
        await self._sweeper.release_unused(after)
        return await self._tickets.update(
            ticket_id, lambda ticket: withdraw_as_operator(ticket, now)
        )

    async def find_chain(self, ticket_id: str) -> tuple[VaultEntry, list[Ticket]]:
        """Return the original of a ticket, and its listings, the oldest first.

        Raises:
            NotFound: there is no such ticket.
            BadRequest: it has no original.
        """
        entry = await self._entries.get(await self._find_entry_id(ticket_id))
        listings = [*entry.earlier, entry.ticket_id]
        return entry, [await self._tickets.get(listing) for listing in listings]

    async def _record_decision(self, ticket_id: str, decision: Decision) -> None:
        """Record a decision in the audit log of the entry, with its actor and reason."""
        entry_id = await self._find_entry_id(ticket_id)
        await self._entries.update(entry_id, lambda entry: entry.record_decision(decision))

    async def _find_entry_id(self, ticket_id: str) -> str:
        listing = await self._tickets.get(ticket_id)
        if listing.vault is None:
            raise BadRequest("This ticket has no file in the vault")
        return listing.vault.entry_id
