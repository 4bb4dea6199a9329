"""Tests of the facets: what they count, and when."""

from datetime import timedelta
from typing import Any

import pytest

from common.events import TicketStatus
from common.shows import ShowCategory
from common.testing.query_profile import QueryProfile
from common.values.clock import utc_now
from tickets.store import facets as facets_module
from tickets.store.facets import Facets
from tickets.store.tickets import TicketStore
from tickets.testing import show_facts, ticket_document

NOON = utc_now().replace(hour=12) + timedelta(days=30)


@pytest.fixture
def facets(store: TicketStore) -> Facets:
    return store.facets


def without_time(facets: Any) -> dict[str, Any]:
    return {name: facets[name] for name in ("cities", "dates", "categories")}


async def test_facets_before_the_first_count_are_empty(facets: Facets) -> None:
    latest = await facets.latest()

    assert latest == {"cities": [], "dates": [], "categories": [], "at": None}


async def test_available_tickets_are_counted_by_city_date_and_category(
    store: TicketStore, facets: Facets
) -> None:
    lodz = show_facts(NOON, city="Łódź", country="PL", category=ShowCategory.SPORT)
    same_city = show_facts(NOON, city="Lodz", country="PL")
    auckland = show_facts(NOON, city="Auckland", country="NZ", time_zone="Pacific/Auckland")
    started = show_facts(utc_now() - timedelta(minutes=1))
    shows = [lodz, lodz, same_city, auckland, started, None]
    docs = [ticket_document("Front row", show=show) for show in shows]
    docs.append(ticket_document("Front row", status=TicketStatus.SOLD, show=lodz))
    await store.collection.insert_many(docs)

    await facets.count()

    today, tomorrow = (NOON.date() + timedelta(days=n) for n in (0, 1))
    latest = await facets.latest()
    assert without_time(latest) == {
        "cities": [
            {"city": "Łódź", "country": "PL", "count": 3},
            {"city": "Auckland", "country": "NZ", "count": 1},
        ],
        "dates": [
            {"date": today.isoformat(), "count": 3},
            {"date": tomorrow.isoformat(), "count": 1},
        ],
        "categories": [
            {"category": "concert", "count": 2},
            {"category": "sport", "count": 2},
        ],
    }
    assert utc_now() - timedelta(minutes=1) < latest["at"] <= utc_now()


async def test_count_examines_only_available_tickets_of_upcoming_shows(
    store: TicketStore, facets: Facets
) -> None:
    show = show_facts(NOON)
    sold = [ticket_document("x", status=TicketStatus.SOLD, show=show) for _ in range(50)]
    plain = [ticket_document("x") for _ in range(50)]
    await store.collection.insert_many([*sold, *plain, ticket_document("x", show=show)])
    async with QueryProfile(store.collection.database, "tickets") as profile:
        await facets.count()

    assert profile.examined < 10


async def test_slow_count_is_repeated_less_often(
    store: TicketStore, facets: Facets, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.collection.insert_one(ticket_document("x", show=show_facts(NOON)))
    monkeypatch.setattr(facets_module, "MAX_SHARE_OF_TIME", 1e-9)
    await facets.run()
    first = await facets.latest()

    await facets.run()

    assert first["at"] is not None
    assert await facets.latest() == first


async def test_only_one_replica_counts(store: TicketStore, facets: Facets) -> None:
    await facets.run()
    first = await facets.latest()

    await Facets(store.collection, utc_now).run()

    assert await facets.latest() == first
