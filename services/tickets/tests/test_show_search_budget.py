"""Tests of what a search of the shows costs at most, whatever it asks for."""

import random
from collections.abc import AsyncGenerator
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from bson import ObjectId

from common.app import Service
from common.shows import ShowCategory, Venue
from common.testing.clock import FakeClock
from common.testing.query_profile import QueryProfile
from common.values.ids import new_id
from tickets.app import DOCUMENTS
from tickets.domain.show import Show
from tickets.settings import Settings
from tickets.show_search import MAX_TERM_LENGTH, MAX_TERMS, ShowQuery, show_terms
from tickets.store.shows import MAX_EXAMINED, ShowStore, to_document

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
MANY = 4_000
RARE = 50
"""One show in so many has the rare word, city and category."""
MAX_QUERIES = 22
"""Twice as many as times that 2 documents double until there are 1,000."""
TEXTS = ["", "tosca", "tos", "rare", "rare tosca", "a b c d e f g h tosca", "zzzz tosca", "x"]
CITIES = ["", "berlin", "bern", "nowhere"]
DAYS: list[tuple[date | None, date | None]] = [
    (None, None),
    (date(2030, 1, 20), date(2030, 2, 1)),
    (date(2030, 2, 1), date(2030, 1, 1)),
    (date.min, date.max),
    (date.max, date.min),
]


def _document(number: int) -> dict[str, Any]:
    is_rare = number % RARE == 0
    starts_at = NOW + timedelta(minutes=10 * number // 3 + 1)
    show = Show(
        id=new_id(),
        version=0,
        user_id=new_id(),
        created_at=NOW,
        name=f"{'Rare' if is_rare else 'Tosca'} a b c {number}",
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=1),
        time_zone="UTC",
        venue=Venue(name="Arena", city="Bern" if is_rare else "Berlin", country="DE"),
        category=ShowCategory.FAMILY if is_rare else ShowCategory.OTHER,
    )
    return {"_id": ObjectId(show.id), "version": 0, **to_document(show), "outbox": []}


@pytest.fixture
async def shows(environment: dict[str, Any], published: object) -> AsyncGenerator[ShowStore]:
    """Many shows."""
    assert published
    clock = FakeClock(NOW)
    service = Service.from_settings("tickets", Settings(**environment), clock)
    async with service.open(DOCUMENTS) as running:
        await running.relay.stop(0)
        store = ShowStore(running.relay, clock)
        await store.collection.insert_many([_document(number) for number in range(MANY)])
        yield store


async def test_search_of_shows_examines_a_bounded_number_with_few_queries(
    shows: ShowStore,
) -> None:
    expensive: list[str] = []
    searches = [*product(TEXTS, CITIES, [None, ShowCategory.FAMILY, ShowCategory.SPORT], DAYS)]
    sample = random.Random(14).sample(searches, 60)
    for number, (text, city, category, (first, last)) in enumerate(sample):
        query = ShowQuery.from_text(
            text, city=city, category=category, first_day=first, last_day=last
        )
        limit, cursor = (1, 20, 100)[number % 3], None
        for _ in range(1 + number % 2):
            async with QueryProfile(shows.collection.database, "shows") as profile:
                page = await shows.list_upcoming(query, now=NOW, limit=limit, cursor=cursor)
            queries = len(profile.operations)
            allowed = 2 * (MAX_EXAMINED + MAX_QUERIES)
            if profile.examined > allowed or queries > MAX_QUERIES or "COLLSCAN" in profile.plans:
                expensive.append(f"{query} {limit=}: {queries=}, {profile.examined=}")
            cursor = page.next_cursor
            if cursor is None:
                break

    assert not expensive, "\n".join(expensive)


def test_long_words_of_a_show_have_few_and_short_terms() -> None:
    longest_in_latin_letters = chr(92169)

    terms = show_terms(*(longest_in_latin_letters * length for length in (200, 120, 120)))
    separate = show_terms(" ".join(chr(0x12000 + n) for n in range(100)), "漢" * 120, "x" * 120)

    for some in (terms, separate):
        assert len(some) <= MAX_TERMS
        assert max(map(len, some)) <= MAX_TERM_LENGTH


def test_word_beyond_the_compared_letters_is_found() -> None:
    word = "Donaudampfschifffahrtsgesellschaft"
    query = ShowQuery.from_text(word)

    assert query.terms.issubset(show_terms(word))
    assert ShowQuery.from_text(word[:25]).terms == query.terms
