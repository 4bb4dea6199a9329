"""What tickets does when an account closes and when it is deleted.

Both can be repeated. The listings of a closing account are withdrawn and their ids published, so
that orders can confirm that nobody can order them. What nobody bought is shredded on deletion.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from common.errors import BadRequest
from common.events import (
    ListingsWithdrawn,
    Portion,
    TicketStatus,
    UserDeleted,
    UserUpdated,
    WithdrawnListing,
)
from common.messaging.bus import Bus
from common.messaging.envelope import EventEnvelope
from common.values.clock import Clock
from common.values.ids import new_id
from common.web.export import iter_pages
from common.web.idempotency import forget_user
from tickets.domain.ticket import Ticket
from tickets.service import TicketService
from tickets.store.daily_limits import DailyLimit
from tickets.store.vault_entries import VaultEntryStore
from tickets.store.verified_sellers import VerifiedSellers

PAGE_SIZE: Final = 100
PORTION_SIZE: Final = 10_000
"""Listings that one event names, in some 600 KB. NATS accepts events of 1 MB."""
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
            async for ticket in self._withdraw_all(event.id)
            if ticket.withdrawing
            or (
                ticket.withdrawn_at is not None
                and ticket.withdrawn_at >= event.closing_at - CLOCK_DIFFERENCE
            )
        ]
        for withdrawn in _in_portions(event.id, event.closing_at, listings):
            event_id = f"{withdrawn.subject}:{event.id}:{event.version}"
            if portion := withdrawn.portion:
                event_id += f":{portion.of}:{portion.number}"
            await self._bus.publish(
                EventEnvelope.from_event(
                    withdrawn,
                    event_id=event_id,
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
        async for ticket in self._withdraw_all(event.id):
            if ticket.withdrawn and ticket.vault is not None:
                await self._entries.update(
                    ticket.vault.entry_id, lambda entry, of=ticket.id: entry.shred(of)
                )

    async def _withdraw_all(self, user_id: str) -> AsyncGenerator[Ticket]:
        """Withdraw the available listings of a user, and yield all listings."""
        pages = iter_pages(
            lambda cursor: self._tickets.list_by_seller(user_id, limit=PAGE_SIZE, cursor=cursor)
        )
        async for ticket in pages:
            current = ticket
            if ticket.status is TicketStatus.AVAILABLE and not ticket.withdrawn:
                with suppress(BadRequest):  # it is sold by now
                    current = await self._tickets.withdraw(ticket.id, user_id=user_id)
            yield current


def _in_portions(
    user_id: str, closing_at: datetime, listings: Sequence[WithdrawnListing]
) -> list[ListingsWithdrawn]:
    """Return the event of these listings, or several if they are too many for one.

    Several have an id of their own each time, because a repetition can find other listings.
    """
    starts = range(0, max(len(listings), 1), PORTION_SIZE)
    shared_id = new_id()
    return [
        ListingsWithdrawn(
            user_id=user_id,
            closing_at=closing_at,
            listings=tuple(listings[start : start + PORTION_SIZE]),
            portion=Portion(of=shared_id, number=number, count=len(starts))
            if len(starts) > 1
            else None,
        )
        for number, start in enumerate(starts)
    ]
