"""Tests that a request examines at most 2,000 index keys and documents, whatever it asks for."""

import random
import string
from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from bson import ObjectId

from common.shows import ShowCategory
from common.testing.query_profile import QueryProfile
from common.values.clock import utc_now
from common.values.ids import new_id
from common.web.pagination import PAGE_SIZE
from tickets.search import Sort, TicketQuery
from tickets.store.available_tickets import MAX_EXAMINED
from tickets.store.sort_order import Position
from tickets.store.tickets import TicketStore
from tickets.store.vocabulary import MAX_EXPANSIONS, Vocabulary
from tickets.testing import SELLER_ID, show_facts, ticket_document
from tickets.ticket_terms import DateRange, category_term, city_term, show_term

CITIES = ["berlin", "hamburg", "wien", "bern"]
MANY = 8_000
FEW = 5_000
LETTERS = string.ascii_lowercase
MANY_WORDS = " ".join(f"con{letter}{letter}" for letter in LETTERS)
ALL_WORDS_OF_A_PREFIX = " ".join(f"dup{letter}" for letter in LETTERS[:MAX_EXPANSIONS])
UNSPACED = "東京ドームコンサート🎸東京"
MID_PRICE = 5_000

QUERIES = [
    "",
    "concert",
    "concert zzzz",
    "berlin hamburg",
    "bern concert",
    "a concert",
    "con",
    "con berlin",
    "cona",
    "dup",
    "dup concert",
    "concert dup",
    "dupa dupb",
    "dupa zzzz concert",
    " ".join([*LETTERS, "é"]),
    " ".join(f"word{n}" for n in range(25)),
    "東京ドーム",
    "東 京 concert",
    "🎸",
]
NOW = utc_now()
SHOWS = [
    show_facts(
        NOW + timedelta(days=n * 3, hours=1),
        name=f"Con{LETTERS[n % 26]} night",
        city=CITIES[n % len(CITIES)],
        category=ShowCategory.CONCERT if n % 20 else ShowCategory.FAMILY,
    )
    for n in range(300)
]


def _days(first: int | None, last: int | None) -> DateRange:
    return DateRange(*(n if n is None else NOW.date() + timedelta(days=n) for n in (first, last)))


FILTERS: list[tuple[set[str], DateRange | None]] = [
    (set(), None),
    ({show_term(SHOWS[100].id)}, None),
    ({city_term("Berlin")}, None),
    ({city_term("Berlin"), category_term(ShowCategory.FAMILY)}, None),
    ({category_term(ShowCategory.CONCERT)}, _days(30, 32)),
    ({category_term(ShowCategory.COMEDY)}, None),
    (set(), _days(60, 60)),
    (set(), _days(10, 100)),
    (set(), _days(0, None)),
    ({city_term("Bern")}, _days(850, None)),
    (set(), _days(-10, -1)),
]
SAMPLED_SEARCHES = 200
"""Of all combinations, and again of those without a filter."""
PRICE_RANGES = [(None, None), (MID_PRICE, MID_PRICE), (4_000, 6_000)]

InsertTickets = Callable[[int], Awaitable[None]]


@pytest.fixture
def insert_tickets(store: TicketStore) -> InsertTickets:
    """Return a function that inserts tickets, some with titles made to cost as much as possible."""

    async def insert(count: int) -> None:
        draw = random.Random(7)
        titles = [
            f"{draw.choice(['Rock', 'Jazz', 'Pop'])} concert {draw.choice(CITIES)} row {n % 50} "
            f"{draw.choice(LETTERS)} {draw.choice(LETTERS)}"
            for n in range(count)
        ]
        titles += [MANY_WORDS, ALL_WORDS_OF_A_PREFIX, UNSPACED] * (count // 20)
        docs = [
            ticket_document(title, 100 + n % 10_000, show=draw.choice([None, *SHOWS]))
            for n, title in enumerate(titles)
        ]
        for start in range(0, len(docs), 1_000):
            await store.collection.insert_many(docs[start : start + 1_000], ordered=False)
        await Vocabulary(store.collection).sample()

    return insert


def profile_of(store: TicketStore) -> QueryProfile:
    return QueryProfile(store.collection.database, "tickets", "words")


async def test_search_examines_at_most_2000_keys_and_documents(
    store: TicketStore, insert_tickets: InsertTickets
) -> None:
    await insert_tickets(MANY)
    [middle] = await store.collection.find().skip(MANY // 2).limit(1).to_list()
    everything = [*product(QUERIES, Sort, PRICE_RANGES, [False, True], FILTERS)]
    unfiltered = [search for search in everything if search[-1] == FILTERS[0]]
    searches = [
        search
        for searches in (everything, unfiltered)
        for search in random.Random(5).sample(searches, SAMPLED_SEARCHES)
    ]
    violations: dict[str, Any] = {}
    for q, sort, (low, high), is_deep, (filters, dates) in searches:
        query = TicketQuery.from_text(q, sort, low, high, filters=filters, dates=dates)
        cursor = Position.of(middle).cursor(query) if is_deep else None
        async with profile_of(store) as profile:
            await store.list_available(query, limit=PAGE_SIZE, cursor=cursor)
        if profile.examined > MAX_EXAMINED or "COLLSCAN" in profile.plans:
            violations[f"{query} {cursor}"] = profile.operations

    assert not violations


async def test_sample_updates_the_words_by_an_index(
    store: TicketStore, insert_tickets: InsertTickets
) -> None:
    await insert_tickets(FEW)

    async with QueryProfile(store.collection.database, "words") as profile:
        await Vocabulary(store.collection).sample()

    assert profile.operations
    assert "COLLSCAN" not in profile.plans


async def test_deep_page_of_a_filter_costs_what_the_first_one_costs(
    store: TicketStore, insert_tickets: InsertTickets
) -> None:
    await insert_tickets(FEW)
    [middle] = await store.collection.find().skip(FEW // 2).limit(1).to_list()
    allowed: list[tuple[set[str], DateRange | None, int]] = [
        ({show_term(SHOWS[100].id)}, None, 250),
        ({city_term("Berlin")}, None, 300),
        (set(), _days(60, 60), 250),
        (set(), _days(0, None), 700),
        ({city_term("Bern")}, _days(30, 36), 400),
    ]
    for filters, dates, most in allowed:
        query = TicketQuery.from_text("", filters=filters, dates=dates)
        for cursor in (None, Position.of(middle).cursor(query)):
            async with profile_of(store) as profile:
                await store.list_available(query, limit=24, cursor=cursor)

            assert profile.examined < most


async def test_page_cut_short_continues_where_its_search_has_ended(
    store: TicketStore, insert_tickets: InsertTickets
) -> None:
    await insert_tickets(FEW)
    query = TicketQuery.from_text("rock jazz")
    cursor, pages = None, 0
    while pages == 0 or cursor:
        page = await store.list_available(query, limit=PAGE_SIZE, cursor=cursor)
        assert page.items == []
        cursor, pages = page.next_cursor, pages + 1

    assert 2 <= pages <= 3  # of some 1,667 tickets


async def test_frequent_words_fill_a_page_at_once(
    store: TicketStore, insert_tickets: InsertTickets
) -> None:
    await insert_tickets(FEW)
    query = TicketQuery.from_text("concert jazz")
    async with profile_of(store) as profile:
        page = await store.list_available(query, limit=24, cursor=None)

    assert len(page.items) == 24
    assert profile.examined < 500


async def test_price_range_that_matches_nothing_ends_at_once(
    store: TicketStore, insert_tickets: InsertTickets
) -> None:
    await insert_tickets(FEW)
    for q in ("", "concert", "concert berlin"):
        query = TicketQuery.from_text(q, min_price=20_000)
        page = await store.list_available(query, limit=PAGE_SIZE, cursor=None)

        assert (page.items, page.next_cursor) == ([], None)


async def test_own_listings_examine_one_page(
    store: TicketStore, insert_tickets: InsertTickets
) -> None:
    await insert_tickets(FEW)
    deep = Position(ObjectId(new_id())).cursor(TicketQuery())
    async with profile_of(store) as profile:
        page = await store.list_by_seller(SELLER_ID, limit=PAGE_SIZE, cursor=deep)

    assert len(page.items) == PAGE_SIZE
    assert profile.examined <= 2 * (PAGE_SIZE + 1)
