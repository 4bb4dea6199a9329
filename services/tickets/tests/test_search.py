"""Tests of searches: what they match, and that their pages have every match once and in order."""

from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.events import TicketStatus
from common.persistence.mongo import Doc, collection_of
from tickets.search import MAX_QUERY_LENGTH, Sort, TicketQuery, normalize_words
from tickets.store import available_tickets
from tickets.store.tickets import TicketStore
from tickets.store.vocabulary import MAX_EXPANSIONS, WordDocument
from tickets.testing import ticket_document

WORDS = ["a", "be", "con", "conca", "concert", "concerto", "row", "rows"]
PRICES = [100, 200, 300]
MAX_EXAMINED = 172
"""So little that many pages are cut short, and enough for a ticket with all words of a prefix."""

title = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join)
bound = st.none() | st.sampled_from([50, *PRICES, 400])


@dataclass(frozen=True)
class Search:
    """A search as a user makes it."""

    q: str
    sort: Sort
    min_price: int | None
    max_price: int | None

    def select(self, docs: list[Doc]) -> list[Doc]:
        """Return the matches in their order, computed without an index."""
        matches = [doc for doc in docs if self._is_match(doc)]
        newest_first = sorted(matches, key=lambda doc: doc["_id"], reverse=True)
        match self.sort:
            case Sort.NEWEST:
                return newest_first
            case Sort.OLDEST:
                return newest_first[::-1]
            case Sort.PRICE_ASC:
                return sorted(newest_first, key=lambda doc: doc["price"])
            case Sort.PRICE_DESC:
                return sorted(newest_first, key=lambda doc: doc["price"])[::-1]

    def _is_match(self, doc: Doc) -> bool:
        words = doc["title"].split()
        *whole, last = self.q.split() or [""]
        has_last = any(word == last or (len(last) > 2 and word.startswith(last)) for word in words)
        return (
            doc["status"] == "available"
            and (not self.min_price or doc["price"] >= self.min_price)
            and (not self.max_price or doc["price"] <= self.max_price)
            and all(word in words for word in whole)
            and (not last or has_last)
        )


searches = st.builds(
    Search,
    st.lists(st.sampled_from([*WORDS, "conc", "ro", "zzzz"]), max_size=3, unique=True).map(
        " ".join
    ),
    st.sampled_from(Sort),
    bound,
    bound,
)
ticket = st.builds(
    ticket_document,
    title,
    st.sampled_from(PRICES),
    st.sampled_from([TicketStatus.AVAILABLE] * 4 + [TicketStatus.SOLD]),
)
tickets = st.lists(ticket, max_size=10) | st.lists(ticket, min_size=30, max_size=60)


async def read_all(store: TicketStore, search: Search, limit: int) -> list[str]:
    query = TicketQuery.from_text(search.q, search.sort, search.min_price, search.max_price)
    found: list[str] = []
    cursor = None
    while True:
        page = await store.list_available(query, limit=limit, cursor=cursor)
        assert len(page.items) <= limit
        found += [ticket.id for ticket in page.items]
        if page.next_cursor is None:
            return found
        assert page.next_cursor != cursor
        cursor = page.next_cursor


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    docs=tickets,
    search=searches,
    limit=st.integers(1, 7),
    forgets_words=st.booleans(),
    budget=st.sampled_from([MAX_EXAMINED, available_tickets.MAX_EXAMINED]),
)
async def test_pages_have_every_match_once_and_in_order(
    store: TicketStore,
    monkeypatch: pytest.MonkeyPatch,
    docs: list[Doc],
    search: Search,
    limit: int,
    budget: int,
    *,
    forgets_words: bool,
) -> None:
    monkeypatch.setattr(available_tickets, "MAX_EXAMINED", budget)
    await store.collection.delete_many({})
    if forgets_words:
        await collection_of(WordDocument).delete_many({})
    if docs:
        await store.collection.insert_many(docs, ordered=False)

    found = await read_all(store, search, limit)

    assert found == [str(doc["_id"]) for doc in search.select(docs)]


@pytest.mark.parametrize(
    ("q", "words", "prefix"),
    [
        ("", set[str](), ""),
        ("Front row", {"front"}, "row"),
        ("row 12", {"row", "12"}, ""),
        ("Beyoncé", set[str](), "beyonce"),
        ("a b c", {"a", "b", "c"}, ""),
        ("  !? ", {"!?"}, ""),
        ("!!!", set[str](), "!!!"),
        ("rock & pop 🎸", {"rock"}, "pop"),
        ("ドーム", {"ト", "ー", "ム", "トー", "ーム"}, ""),
        (" \u200b", set[str](), ""),
    ],
)
def test_last_word_of_three_letters_is_a_beginning(q: str, words: set[str], prefix: str) -> None:
    query = TicketQuery.from_text(q)

    assert (query.words, query.prefix) == (words, prefix)


@given(st.text(max_size=MAX_QUERY_LENGTH + 20))
def test_normalized_words_are_the_same_search(q: str) -> None:
    normalized = normalize_words(q)

    assert TicketQuery.from_text(normalized) == TicketQuery.from_text(q)
    assert normalize_words(normalized) == normalized
    assert (len(normalized) <= MAX_QUERY_LENGTH) == (len(q) <= MAX_QUERY_LENGTH)


async def test_word_that_is_not_in_the_vocabulary_is_found_by_its_beginning(
    store: TicketStore,
) -> None:
    docs = [ticket_document(f"Zürich{n} open air") for n in range(MAX_EXPANSIONS)]
    await store.collection.insert_many(docs)
    await collection_of(WordDocument).delete_many({})

    for _ in range(2):
        found = await read_all(store, Search("zür", Sort.OLDEST, None, None), 100)

        assert found == [str(doc["_id"]) for doc in docs]


async def test_beginning_of_very_many_words_is_found(store: TicketStore) -> None:
    docs = [ticket_document(f"Seat{n}") for n in range(5 * MAX_EXPANSIONS)]
    await store.collection.insert_many(docs)

    found = await read_all(store, Search("seat", Sort.PRICE_ASC, None, None), 7)

    assert found == [str(doc["_id"]) for doc in reversed(docs)]
