"""What tickets does when an account closes and when it is deleted.

Both can be repeated. The listings of a closing account are withdrawn and their ids published, so
that orders can confirm that nobody can order them. What nobody bought is shredded on deletion.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final

from common.errors import BadRequest
from common.events import (
    ListingsWithdrawn,
    TicketStatus,
    UserDeleted,
    UserUpdated,
    WithdrawnListing,
)
from common.messaging.bus import Bus
from common.messaging.envelope import EventEnvelope
from common.values.clock import Clock
from common.web.export import iter_pages
from common.web.idempotency import forget_user
from tickets.domain.ticket import Ticket
from tickets.service import TicketService
from tickets.store.daily_limits import DailyLimit
from tickets.store.vault_entries import VaultEntryStore
from tickets.store.verified_sellers import VerifiedSellers

PAGE_SIZE: Final = 100
CLOCK_DIFFERENCE: Final = timedelta(minutes=1)


class UserDeletion:
    """Withdraws the listings of a closing account, and erases what is stored of a deleted user."""

    def __init__(
        self,
        tickets: TicketService,
        entries: VaultEntryStore,
        limits: Sequence[DailyLimit],
        sellers: VerifiedSellers,
        bus: Bus,
        clock: Clock,
    ) -> None:
        self._tickets = tickets
        self._entries = entries
        self._limits = limits
        self._sellers = sellers
        self._bus = bus
        self._clock = clock

    async def withdraw_listings(self, event: UserUpdated) -> None:
        """Withdraw what a closing account offers, and publish which listings these are."""
        if event.closing_at is None:
            return
        listings = [
            WithdrawnListing(ticket_id=ticket.id, version=ticket.version)
            for ticket in await self._withdraw_all(event.id)
            if ticket.withdrawing
            or (
                ticket.withdrawn_at is not None
                and ticket.withdrawn_at >= event.closing_at - CLOCK_DIFFERENCE
            )
        ]
        withdrawn = ListingsWithdrawn(
            user_id=event.id, closing_at=event.closing_at, listings=tuple(listings)
        )
        await self._bus.publish(
            EventEnvelope.from_event(
                withdrawn,
                event_id=f"{withdrawn.subject}:{event.id}:{event.version}",
                aggregate_id=event.id,
                occurred_at=self._clock(),
            )
        )

    async def erase(self, event: UserDeleted) -> None:
        """Erase what is stored of a deleted user, and withdraw what was listed meanwhile."""
        await forget_user(event.id)
        for limit in self._limits:
            await limit.forget(event.id)
        await self._sellers.delete(event.id)
        for ticket in await self._withdraw_all(event.id):
            if ticket.withdrawn and ticket.vault is not None:
                await self._entries.update(
                    ticket.vault.entry_id, lambda entry, of=ticket.id: entry.shred(of)
                )

    async def _withdraw_all(self, user_id: str) -> list[Ticket]:
        """Withdraw the available listings of a user, and return all listings."""
        pages = iter_pages(
            lambda cursor: self._tickets.list_by_seller(user_id, limit=PAGE_SIZE, cursor=cursor)
        )
        listings: list[Ticket] = []
        async for ticket in pages:
            current = ticket
            if ticket.status is TicketStatus.AVAILABLE and not ticket.withdrawn:
                with suppress(BadRequest):  # it is sold by now
                    current = await self._tickets.withdraw(ticket.id, user_id=user_id)
            listings.append(current)
        return listings
