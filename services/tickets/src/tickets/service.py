"""The tickets application service, called by HTTP routes and event listeners."""

from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Any, Literal

from common.change import Change
from common.events import OrderStatus, SellerEvent
from common.messaging.envelope import EventEnvelope
from common.protection import Protection
from common.shows import Seat, ShowFacts
from common.values.clock import Clock
from common.web.pagination import Page
from tickets.domain.listing_again import list_bought
from tickets.domain.show import Show
from tickets.domain.ticket import (
    KEEP,
    Edit,
    Fence,
    Listing,
    Ticket,
    check_price_cap,
    list_ticket,
)
from tickets.search import TicketQuery
from tickets.show_service import ShowService
from tickets.store.daily_limits import DailyLimit
from tickets.store.tickets import TicketStore
from tickets.store.verified_sellers import VerifiedSellers
from tickets.vault_sweeper import VaultSweeper


class TicketService:
    """Lists, edits, withdraws and finds tickets, and applies order events to them."""

    def __init__(
        self,
        store: TicketStore,
        shows: ShowService,
        vault: VaultSweeper,
        limit: DailyLimit,
        sellers: VerifiedSellers,
        clock: Clock,
        *,
        price_cap_percent: int | None,
    ) -> None:
        self._store = store
        self._shows = shows
        self._vault = vault
        self._limit = limit
        self._sellers = sellers
        self._clock = clock
        self._price_cap_percent = price_cap_percent

    async def list_for_sale(
        self,
        *,
        ticket_id: str,
        title: str,
        price: int,
        seller_id: str,
        show_id: str | None = None,
        seat: Seat | None = None,
        face_value: int | None = None,
    ) -> Ticket:
        """List a ticket for sale. Prices are in cents.

        Raises:
            BadRequest: the price is above the cap, or no ticket can be listed for the show.
            TooManyRequests: the seller has listed too many tickets.
        """
        show = await self._check_listing(seller_id, show_id, price=price, face_value=face_value)
        change = list_ticket(
            ticket_id=ticket_id,
            title=title,
            price=price,
            seller_id=seller_id,
            now=self._clock(),
            show=show and show.facts,
            seat=seat,
            face_value=face_value,
        )
        return await self._store.insert_idempotent(change)

    async def list_bought(
        self, bought: Ticket, *, ticket_id: str, title: str, price: int, seller_id: str
    ) -> Ticket:
        """List what the seller bought here, without its original, which `Resale` moves.

        Raises:
            BadRequest: the price is above the cap, or no ticket can be listed for the show.
            TooManyRequests: the seller has listed too many tickets.
        """
        show = await self._check_listing(
            seller_id, bought.show_id, price=price, face_value=bought.face_value
        )
        change = list_bought(
            bought,
            ticket_id=ticket_id,
            title=title,
            price=price,
            seller_id=seller_id,
            now=self._clock(),
            show=show and show.facts,
        )
        return await self._store.insert_idempotent(change)

    async def _check_listing(
        self, seller_id: str, show_id: str | None, *, price: int, face_value: int | None
    ) -> Show | None:
        """Return the show of a new listing, which counts and may close the show."""
        check_price_cap(price, face_value, self._price_cap_percent)
        if show_id is not None:
            return await self._show_for_listing(show_id, seller_id)
        await self._limit.record(seller_id)
        return None

    async def edit(
        self,
        ticket_id: str,
        *,
        title: str,
        price: int,
        user_id: str,
        show_id: str | Literal[Edit.KEEP] | None = KEEP,
        seat: Seat | Literal[Edit.KEEP] | None = KEEP,
        face_value: int | Literal[Edit.KEEP] | None = KEEP,
        expected_versions: frozenset[int] | None,
    ) -> Ticket:
        """Change what the seller entered. Prices are in cents.

        Raises:
            TooManyRequests: the seller has listed too many tickets. To set another show counts.
        """

        def decide(ticket: Ticket, show: ShowFacts | Literal[Edit.KEEP] | None) -> Change[Ticket]:
            return ticket.edit(
                user_id=user_id,
                title=title,
                price=price,
                show=show,
                seat=seat,
                face_value=face_value,
                price_cap_percent=self._price_cap_percent,
                expected_versions=expected_versions,
            )

        if show_id is KEEP or show_id is None:
            return await self._store.update(ticket_id, lambda ticket: decide(ticket, show_id))
        ticket = await self._store.get(ticket_id)
        decide(ticket, KEEP)  # an invalid edit closes no show
        facts = KEEP
        if ticket.show_id != show_id:
            facts = (await self._show_for_listing(show_id, user_id)).facts
        return await self._store.update(ticket_id, lambda ticket: decide(ticket, facts))

    async def _show_for_listing(self, show_id: str, seller_id: str) -> Show:
        """Return a show for which the seller lists a ticket now, which counts and may close it."""
        show = await self._shows.find_open(show_id)
        await self._limit.record(seller_id)
        return await self._shows.close_to_creator(show, seller_id=seller_id)

    async def withdraw(self, ticket_id: str, *, user_id: str) -> Ticket:
        """Withdraw a ticket now, or when the order that holds it is cancelled."""
        now = self._clock()

        def decide(ticket: Ticket) -> Change[Ticket]:
            return ticket.withdraw(user_id=user_id, now=now)

        ticket = await self._store.get(ticket_id)
        if ticket.vault is not None:
            # First, because the sweeper looks only at what is released, and retains it if need be.
            await self._vault.release_unused(decide(ticket).after)
        return await self._store.update(ticket_id, decide)

    async def get(self, ticket_id: str) -> Ticket:
        return await self._store.get(ticket_id)

    async def list_available(
        self, query: TicketQuery, *, limit: int, cursor: str | None
    ) -> Page[Ticket]:
        """Return one page of available tickets. It may be short although another follows."""
        return await self._store.list_available(query, limit=limit, cursor=cursor)

    async def facets(self) -> Mapping[str, Any]:
        """Return the numbers of available tickets as last counted."""
        return await self._store.facets.latest()

    async def list_by_seller(self, user_id: str, *, limit: int, cursor: str | None) -> Page[Ticket]:
        """Return one page of a seller's tickets in any status, newest first."""
        return await self._store.list_by_seller(user_id, limit=limit, cursor=cursor)

    async def apply_order_update(
        self,
        ticket_id: str,
        order_id: str,
        status: OrderStatus,
        fence: Fence,
        ordered: Listing,
        *,
        pinned: Protection | None,
        buyer_id: str,
        is_refund_agreed: bool,
    ) -> None:
        """Lock, free or sell a ticket after an event of one of its orders."""
        now = self._clock()
        ticket = await self._store.update_batched(
            ticket_id,
            lambda ticket: ticket.apply_order(
                order_id,
                status,
                fence,
                ordered,
                pinned=pinned,
                buyer_id=buyer_id,
                is_refund_agreed=is_refund_agreed,
                now=now,
            ),
        )
        if ticket.vault is not None:
            await self._vault.release_unused(ticket)
        if ticket.show is not None:
            await self._shows.close(ticket.show.id)

    async def find_verified(self, tickets: Iterable[Ticket]) -> frozenset[str]:
        """Return the ids of the verified sellers among those of tickets."""
        return await self._sellers.find(ticket.user_id for ticket in tickets)

    async def apply_seller(self, event: SellerEvent) -> None:
        """Store whether a seller is verified, if that is newer than what is known."""
        await self._sellers.upsert(event)

    def snapshot_events(self) -> AsyncGenerator[EventEnvelope]:
        """Generate an event with the current state of every ticket."""
        return self._store.snapshot_events(Ticket.to_event)
