"""Tests of shows in MongoDB, and of their copies in tickets."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common.app import Service
from common.persistence.lease import Lease
from common.shows import ShowCategory, Venue
from common.testing.clock import FakeClock
from common.values.ids import new_id
from tickets import show_copies
from tickets.app import DOCUMENTS
from tickets.domain.show import Show, ShowDetails, add_show
from tickets.domain.ticket import Ticket, list_ticket
from tickets.settings import Settings
from tickets.show_copies import ShowCopies
from tickets.show_search import ShowQuery
from tickets.store import shows
from tickets.store.shows import ShowStore
from tickets.store.tickets import TicketStore

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
DETAILS = ShowDetails(
    name="Siegfried",
    starts_at=NOW + timedelta(days=30),
    ends_at=NOW + timedelta(days=30, hours=5),
    time_zone="Europe/Berlin",
    venue=Venue(name="Staatsoper", city="Berlin", country="DE"),
    category=ShowCategory.THEATRE,
)


@dataclass(frozen=True)
class Stores:
    """The open stores of the service, and their clock."""

    shows: ShowStore
    tickets: TicketStore
    copies: ShowCopies
    clock: FakeClock

    async def add_show(self, name: str = "Siegfried") -> Show:
        details = replace(DETAILS, name=name)
        change = add_show(show_id=new_id(), details=details, user_id=new_id(), now=NOW)
        return await self.shows.add(change)

    async def list_ticket(self, show: Show) -> Ticket:
        change = list_ticket(
            ticket_id=new_id(),
            title="Front row",
            price=2000,
            seller_id=show.user_id,
            now=NOW,
            show=show.facts,
        )
        return await self.tickets.insert_idempotent(change)

    async def cancel(self, show: Show) -> Show:
        return await self.shows.change(show.id, lambda show: show.cancel(self.clock()))


@pytest.fixture
async def stores(environment: dict[str, Any], published: object) -> AsyncGenerator[Stores]:
    """Stores with a stopped relay, so that events stay in the outbox."""
    assert published
    clock = FakeClock(NOW)
    service = Service.from_settings("tickets", Settings(**environment), clock)
    async with service.open(DOCUMENTS) as running:
        await running.relay.stop(0)
        show_store = ShowStore(running.relay, clock)
        ticket_store = TicketStore(running.relay, clock)
        lease = Lease(running.database, "show-copies", show_copies.LEASE_TTL, clock)
        copies = ShowCopies(show_store, ticket_store, lease, clock)
        yield Stores(show_store, ticket_store, copies, clock)


async def test_show_round_trips(stores: Stores) -> None:
    show = await stores.add_show()

    closed = await stores.shows.update((await stores.cancel(show)).id, Show.close)

    assert await stores.shows.get(show.id) == closed
    assert closed == replace(
        show,
        version=2,
        cancelled_at=NOW,
        facts_version=1,
        facts_changed_at=NOW,
        is_closed=True,
    )


async def test_ticket_with_a_show_round_trips(stores: Stores) -> None:
    ticket = await stores.list_ticket(await stores.add_show())

    assert await stores.tickets.get(ticket.id) == ticket


async def test_every_ticket_of_a_changed_show_gets_its_facts(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(show_copies, "BATCH_SIZE", 2)
    show, other = await stores.add_show(), await stores.add_show("Tosca")
    tickets = [await stores.list_ticket(show) for _ in range(5)]
    of_other = await stores.list_ticket(other)

    cancelled = await stores.cancel(show)
    count = await stores.copies.refresh(cancelled)

    assert count == 5
    for ticket in tickets:
        expected = replace(ticket, version=1, show=cancelled.facts)
        assert await stores.tickets.get(ticket.id) == expected
    assert await stores.tickets.get(of_other.id) == of_other


async def test_ticket_inserted_with_older_facts_is_refreshed(stores: Stores) -> None:
    """The process that listed it had read the show before the change."""
    show = await stores.add_show()
    cancelled = await stores.cancel(show)
    await stores.copies.refresh_changed()
    stores.clock.advance(seconds=show_copies.GRACE.total_seconds())
    late = await stores.list_ticket(show)

    await stores.copies.refresh_changed()

    assert (await stores.tickets.get(late.id)).show == cancelled.facts


async def test_changed_show_is_checked_until_no_older_facts_can_come(stores: Stores) -> None:
    show = await stores.cancel(await stores.add_show())
    await stores.copies.refresh_changed()
    during = [one.id async for one in stores.shows.iter_changed()]
    stores.clock.advance(seconds=show_copies.GRACE.total_seconds() + 1)

    await stores.copies.refresh_changed()

    assert during == [show.id]
    assert [one.id async for one in stores.shows.iter_changed()] == []
    assert (await stores.shows.get(show.id)).version == show.version


async def test_search_examines_a_bounded_number_of_shows(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shows, "MAX_EXAMINED", 3)
    for number in range(5):
        await stores.add_show(f"Tosca {number}")
    await stores.add_show("Siegfried")
    query = ShowQuery.from_text("", category=ShowCategory.SPORT)

    page = await stores.shows.list_upcoming(query, now=NOW, limit=10, cursor=None)
    rest = await stores.shows.list_upcoming(query, now=NOW, limit=10, cursor=page.next_cursor)

    assert (page.items, rest.items) == ([], [])
    assert page.next_cursor is not None
    assert rest.next_cursor is not None


async def test_cancelled_show_is_not_listed(stores: Stores) -> None:
    await stores.cancel(await stores.add_show())

    page = await stores.shows.list_upcoming(ShowQuery(), now=NOW, limit=10, cursor=None)

    assert page.items == []
