"""Tests of searches: what they match, and that their pages have every match once and in order."""

from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from common.events import TicketStatus
from common.persistence.mongo import Doc, collection_of
from common.shows import ShowCategory, ShowFacts
from common.values.clock import utc_now
from tickets.search import MAX_QUERY_LENGTH, Sort, TicketQuery, normalize_name, normalize_words
from tickets.search_terms import fold_name
from tickets.store import available_tickets
from tickets.store.tickets import TicketStore
from tickets.store.vocabulary import MAX_EXPANSIONS, WordDocument
from tickets.testing import show_facts, ticket_document
from tickets.ticket_terms import (
    MAX_DATE_TERMS,
    DateRange,
    category_term,
    city_term,
    show_term,
)

WORDS = ["a", "be", "con", "conca", "concert", "concerto", "row", "rows"]
PRICES = [100, 200, 300]
MAX_EXAMINED = 300
"""So little that many pages are cut short, and enough for a ticket with all words of a prefix."""
FULL_BUDGET = available_tickets.MAX_EXAMINED
CITY_WORDS = {"Berlin": "berlin", "Auckland": "auckland", "Łódź": "lodz", "Honolulu": "honolulu"}
TODAY = utc_now().date()
SHOWS = [
    show_facts(
        utc_now() + timedelta(days=days, hours=hours),
        name=name,
        city=city,
        time_zone=time_zone,
        category=category,
    )
    for days, hours, name, city, time_zone, category in [
        (0, -1, "Started", "Berlin", "Europe/Berlin", ShowCategory.CONCERT),
        (0, 1, "Concerto", "Auckland", "Pacific/Auckland", ShowCategory.CONCERT),
        (1, 0, "Rows", "Łódź", "Europe/Warsaw", ShowCategory.COMEDY),
        (2, 6, "Night", "Berlin", "Europe/Berlin", ShowCategory.CONCERT),
        (3, 0, "Night", "Honolulu", "Pacific/Honolulu", ShowCategory.SPORT),
        (40, 0, "Late", "Berlin", "Europe/Berlin", ShowCategory.COMEDY),
        (900, 0, "Later", "Berlin", "Europe/Berlin", ShowCategory.CONCERT),
    ]
]

title = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join)
bound = st.none() | st.sampled_from([50, *PRICES, 400])


@dataclass(frozen=True)
class Search:
    """A search as a user makes it."""

    q: str
    sort: Sort
    min_price: int | None = None
    max_price: int | None = None
    show: ShowFacts | None = None
    city: str | None = None
    category: ShowCategory | None = None
    dates: DateRange | None = None

    @property
    def query(self) -> TicketQuery:
        filters: set[str] = set()
        if self.show is not None:
            filters.add(show_term(self.show.id))
        if self.city is not None:
            filters.add(city_term(self.city))
        if self.category is not None:
            filters.add(category_term(self.category))
        return TicketQuery.from_text(
            self.q, self.sort, self.min_price, self.max_price, filters=filters, dates=self.dates
        )

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
        show = next((show for show in SHOWS if doc["show"] and show.id == doc["show"]["id"]), None)
        words = doc["title"].split()
        if show is not None:
            words += [show.name.lower(), "arena", CITY_WORDS[show.venue.city]]
        *whole, last = self.q.split() or [""]
        has_last = any(word == last or (len(last) > 2 and word.startswith(last)) for word in words)
        return (
            doc["status"] == "available"
            and (not self.min_price or doc["price"] >= self.min_price)
            and (not self.max_price or doc["price"] <= self.max_price)
            and all(word in words for word in whole)
            and (not last or has_last)
            and (show is None or show.starts_at > utc_now())
            and self._is_match_of_filters(show)
        )

    def _is_match_of_filters(self, show: ShowFacts | None) -> bool:
        if show is None:
            return not (self.show or self.city or self.category or self.dates)
        starts_on = show.starts_at.astimezone(ZoneInfo(show.time_zone)).date()
        first = self.dates and self.dates.first
        last = self.dates and self.dates.last
        return (
            (self.show is None or self.show == show)
            and (self.city is None or CITY_WORDS[show.venue.city] == self.city)
            and (self.category is None or self.category == show.category)
            and (first is None or starts_on >= first)
            and (last is None or starts_on <= last)
        )


day = st.none() | st.sampled_from([-1, 0, 1, 2, 3, 4, 39, 45, 800, 1_500]).map(
    lambda days: TODAY + timedelta(days=days)
)
searches = st.builds(
    Search,
    st.lists(
        st.sampled_from([*WORDS, "conc", "ro", "zzzz", "arena", "berlin", "night"]),
        max_size=3,
        unique=True,
    ).map(" ".join),
    st.sampled_from(Sort),
    bound,
    bound,
    st.none() | st.sampled_from(SHOWS),
    st.none() | st.sampled_from(["berlin", "lodz", "paris"]),
    st.none() | st.sampled_from([ShowCategory.CONCERT, ShowCategory.FAMILY]),
    st.none() | st.builds(DateRange, day, day),
)
ticket = st.builds(
    ticket_document,
    title,
    st.sampled_from(PRICES),
    st.sampled_from([TicketStatus.AVAILABLE] * 4 + [TicketStatus.SOLD]),
    st.none() | st.sampled_from(SHOWS),
)
tickets = st.lists(ticket, max_size=10) | st.lists(ticket, min_size=30, max_size=60)


async def read_all(store: TicketStore, search: Search, limit: int) -> list[str]:
    query = search.query
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
    is_tight=st.booleans(),
)
async def test_pages_have_every_match_once_and_in_order(
    store: TicketStore,
    monkeypatch: pytest.MonkeyPatch,
    docs: list[Doc],
    search: Search,
    limit: int,
    *,
    forgets_words: bool,
    is_tight: bool,
) -> None:
    tight_budget = MAX_EXAMINED + (8 * MAX_DATE_TERMS if search.dates else 0)
    monkeypatch.setattr(
        available_tickets, "MAX_EXAMINED", tight_budget if is_tight else FULL_BUDGET
    )
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


@given(st.text(max_size=MAX_QUERY_LENGTH + 20))
@example("\ufdfa" * MAX_QUERY_LENGTH)
@example(" " * MAX_QUERY_LENGTH + "Wien")
def test_normalized_name_is_the_same_name_and_as_valid(name: str) -> None:
    normalized = normalize_name(name)

    assert fold_name(normalized) == fold_name(name)
    assert (len(normalized) <= MAX_QUERY_LENGTH) == (len(name) <= MAX_QUERY_LENGTH)


async def test_word_that_is_not_in_the_vocabulary_is_found_by_its_beginning(
    store: TicketStore,
) -> None:
    docs = [ticket_document(f"Zürich{n} open air") for n in range(MAX_EXPANSIONS)]
    await store.collection.insert_many(docs)
    await collection_of(WordDocument).delete_many({})

    for _ in range(2):
        found = await read_all(store, Search("zür", Sort.OLDEST), 100)

        assert found == [str(doc["_id"]) for doc in docs]


async def test_beginning_of_very_many_words_is_found(store: TicketStore) -> None:
    docs = [ticket_document(f"Seat{n}") for n in range(5 * MAX_EXPANSIONS)]
    await store.collection.insert_many(docs)

    found = await read_all(store, Search("seat", Sort.PRICE_ASC), 7)

    assert found == [str(doc["_id"]) for doc in reversed(docs)]
