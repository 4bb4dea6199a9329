"""Tests that a request examines at most 2,000 index keys and documents, whatever it asks for."""

import random
import string
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from bson import ObjectId

from common.persistence.mongo import Doc
from common.testing.query_profile import QueryProfile
from common.values.ids import new_id
from common.web.pagination import PAGE_SIZE
from tickets.search import Sort, TicketQuery
from tickets.store.available_tickets import MAX_EXAMINED
from tickets.store.sort_order import Position
from tickets.store.tickets import TicketStore
from tickets.store.vocabulary import MAX_EXPANSIONS, Vocabulary
from tickets.testing import SELLER_ID, ticket_document

CITIES = ["berlin", "hamburg", "wien", "bern"]
MANY = 12_000
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
        docs = [ticket_document(title, 100 + n % 10_000) for n, title in enumerate(titles)]
        for start in range(0, len(docs), 1_000):
            await store.collection.insert_many(docs[start : start + 1_000], ordered=False)
        await Vocabulary(store.collection).sample()

    return insert


def profile_of(store: TicketStore) -> QueryProfile:
    return QueryProfile(store.collection.database, "tickets", "words")


def _deep_cursor(docs: list[Doc], sort: Sort) -> str:
    return Position.of(docs[len(docs) // 2]).cursor(sort)


async def test_search_examines_at_most_2000_keys_and_documents(
    store: TicketStore, insert_tickets: InsertTickets
) -> None:
    await insert_tickets(MANY)
    middle = await store.collection.find().skip(MANY // 2).limit(1).to_list()
    violations: dict[str, Any] = {}
    for q in QUERIES:
        for sort in Sort:
            for low, high in PRICE_RANGES:
                for cursor in (None, _deep_cursor(middle, sort)):
                    query = TicketQuery.from_text(q, sort, low, high)
                    async with profile_of(store) as profile:
                        await store.list_available(query, limit=PAGE_SIZE, cursor=cursor)
                    if profile.examined > MAX_EXAMINED or "COLLSCAN" in profile.plans:
                        violations[f"{q} {sort} {low} {high} {cursor}"] = profile.operations

    assert not violations


async def test_page_cut_short_continues_where_its_search_has_ended(
    store: TicketStore, insert_tickets: InsertTickets
) -> None:
    await insert_tickets(FEW)
    query = TicketQuery.from_text("berlin hamburg")
    cursor, pages = None, 0
    while pages == 0 or cursor:
        page = await store.list_available(query, limit=PAGE_SIZE, cursor=cursor)
        assert page.items == []
        cursor, pages = page.next_cursor, pages + 1

    assert 2 <= pages <= 3  # of some 1,250 tickets


async def test_frequent_words_fill_a_page_at_once(
    store: TicketStore, insert_tickets: InsertTickets
) -> None:
    await insert_tickets(FEW)
    query = TicketQuery.from_text("concert bern")
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
    deep = Position(ObjectId(new_id())).cursor(Sort.NEWEST)
    async with profile_of(store) as profile:
        page = await store.list_by_seller(SELLER_ID, limit=PAGE_SIZE, cursor=deep)

    assert len(page.items) == PAGE_SIZE
    assert profile.examined <= 2 * (PAGE_SIZE + 1)
