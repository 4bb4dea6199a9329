"""The search of the available tickets, within a budget of index keys and documents.

A search reads one index range in the order of the sort, from the position of its cursor. The range
is that of the rarest term, or of all available tickets. MongoDB filters nothing, so that a query
examines what it returns and nothing else; what does not match is left out here. A page that the
budget cuts short continues after the last ticket examined.

A ticket whose show has started leaves the indexes in the background (`started_shows`), so its time
is compared here as well.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from pymongo import ASCENDING, DESCENDING, IndexModel

from common.events import TicketStatus
from common.persistence.mongo import STATE_PROJECTION, Collection, Doc
from common.values.clock import Clock
from tickets.search import TicketQuery
from tickets.store.sort_order import (
    SORT_KEYS,
    Position,
    follows,
    price_range,
    ranges_after,
    sort_by_id,
)
from tickets.store.started_shows import has_started
from tickets.store.vocabulary import MAX_EXPANSION_COST, WORDS_NEWEST, Vocabulary
from tickets.ticket_terms import MAX_DATE_TERMS, is_filter_term

MAX_EXAMINED: Final = 2_000
"""How many index keys and documents one request may examine, together."""
MAX_RANKED_WORDS: Final = 8
"""Among how many words of a search the rarest is chosen."""
_RANKING_COST: Final = 3 * (MAX_RANKED_WORDS + MAX_DATE_TERMS) + MAX_EXPANSION_COST

_NEWEST: Final = "newest"
_CHEAPEST: Final = "cheapest"
_WORDS_CHEAPEST: Final = "words_cheapest"


def _available_index(name: str, *keys: tuple[str, int]) -> IndexModel:
    """Return an index of available tickets only, so that a sale removes a ticket from it."""
    return IndexModel(
        [("status", ASCENDING), *keys],
        name=name,
        partialFilterExpression={"status": TicketStatus.AVAILABLE},
    )


SEARCH_INDEXES: Final = [
    _available_index(_NEWEST, ("_id", DESCENDING)),
    _available_index(_CHEAPEST, ("price", ASCENDING), ("_id", DESCENDING)),
    _available_index(WORDS_NEWEST, ("words", ASCENDING), ("_id", DESCENDING)),
    _available_index(
        _WORDS_CHEAPEST, ("words", ASCENDING), ("price", ASCENDING), ("_id", DESCENDING)
    ),
]


@dataclass(frozen=True, slots=True)
class _Range:
    """The index entries that a search reads.

    Attributes:
        words: every entry is one of these words; None selects all available tickets.
        is_exact: whether every entry is a match.
        max_keys: how many of the words a ticket has at most.
    """

    words: Sequence[str] | None
    is_exact: bool
    max_keys: int = 1

    @property
    def filter(self) -> Doc:
        """The filter that selects these entries."""
        words: Doc = {} if self.words is None else {"words": {"$in": [*self.words]}}
        return {"status": TicketStatus.AVAILABLE, **words}

    def index(self, *, by_price: bool) -> str:
        """Return the index that has these entries in the order of the price or of the age."""
        if self.words is None:
            return _CHEAPEST if by_price else _NEWEST
        return _WORDS_CHEAPEST if by_price else WORDS_NEWEST

    def affordable(self, budget: int) -> int:
        """Return how many documents can be read if each ticket has `max_keys` of the words."""
        return (budget - self.overhead) // (self.max_keys + 1)

    def cost(self, docs: Sequence[Doc]) -> int:
        """Return the number of keys and documents that a query with this result has examined."""
        keys = (len({*self.words} & {*doc["words"]}) if self.words else 1 for doc in docs)
        return self.overhead + len(docs) + sum(keys)

    @property
    def overhead(self) -> int:
        """The number of keys at the ends of each word's part of the index, of two queries."""
        return 4 * len(self.words or [""])


class AvailableTickets:
    """Searches the tickets that are available."""

    def __init__(self, tickets: Collection, vocabulary: Vocabulary, clock: Clock) -> None:
        self._tickets = tickets
        self._vocabulary = vocabulary
        self._clock = clock

    async def search(
        self, query: TicketQuery, *, limit: int, position: Position | None
    ) -> tuple[list[Doc], Position | None]:
        """Return the next matches, and the position after which the search continues.

        There may be fewer than `limit` matches, or none, although the search continues.
        """
        now = self._clock()
        entries = await self._choose_range(query, now)
        if entries.words == ():
            return [], None
        budget = MAX_EXAMINED - _RANKING_COST
        size = limit + 1 if entries.is_exact else 2 * (limit + 1)
        if query.has_price_range and not query.sort.by_price:
            rest_size = min(size, entries.affordable(budget // 2))
            docs = await self._read_small_price_range(entries, query, rest_size)
            if docs is not None:
                rest = [
                    doc
                    for doc in sort_by_id(docs, query.sort)
                    if _is_match(query, doc, now) and follows(doc, position, query.sort)
                ]
                return rest[:limit], Position.of(rest[limit - 1]) if len(rest) > limit else None
            budget //= 2
        found: list[Doc] = []
        while len(found) < limit and (size := min(size, entries.affordable(budget))) > 0:
            docs = await self._read(entries, query, position, size)
            for doc in docs:
                if _is_match(query, doc, now):
                    if len(found) == limit:
                        return found, position
                    found.append(doc)
                position = Position.of(doc)
            if len(docs) < size:
                return found, None
            budget -= entries.cost(docs)
            size *= 2
        return found, position

    async def _choose_range(self, query: TicketQuery, now: datetime) -> _Range:
        """Return the range of the rarest term.

        The words that begin with the prefix count as one term, and so do the dates.
        """
        ranked = sorted(query.words, key=_rank)[:MAX_RANKED_WORDS]
        dates = query.dates.covering_terms(now.astimezone(UTC).date()) if query.dates else ()
        frequencies, expansion = await asyncio.gather(
            self._vocabulary.frequencies([*ranked, *dates]), self._vocabulary.expand(query.prefix)
        )

        def frequency(entries: _Range) -> int:
            return sum(frequencies.get(word, 0) for word in entries.words or ())

        by_index = query.sort.by_price or not query.has_price_range
        conditions = len(query.words) + bool(query.prefix) + (query.dates is not None)
        is_exact = by_index and conditions == 1
        candidates = [_Range((word,), is_exact) for word in ranked]
        if expansion is not None:
            frequencies |= expansion
            candidates.append(_Range(tuple(expansion), is_exact, len(expansion)))
        if query.dates is not None:
            candidates.append(_Range(dates, is_exact=False))
        everything = _Range(None, is_exact=by_index and not query.prefix)
        return min(candidates, key=frequency, default=everything)

    async def _read(
        self, entries: _Range, query: TicketQuery, position: Position | None, size: int
    ) -> list[Doc]:
        """Return the next entries of a range after a position, in the order of the query."""
        by_price = query.sort.by_price
        docs: list[Doc] = []
        for following in ranges_after(position, query):
            if len(docs) < size:
                docs += (
                    await self._tickets.find({**entries.filter, **following}, STATE_PROJECTION)
                    .sort(SORT_KEYS[query.sort])
                    .hint(entries.index(by_price=by_price))
                    .limit(size - len(docs))
                    .to_list()
                )
        return docs

    async def _read_small_price_range(
        self, entries: _Range, query: TicketQuery, size: int
    ) -> list[Doc] | None:
        """Return all entries with a price in the range, or None if they are `size` or more.

        The age decides the order, so a price range of few tickets would else be searched for among
        all tickets.
        """
        docs = (
            await self._tickets.find(
                {**entries.filter, "price": price_range(query)}, STATE_PROJECTION
            )
            .hint(entries.index(by_price=True))
            .limit(size)
            .to_list()
        )
        return docs if len(docs) < size else None


def _rank(term: str) -> tuple[bool, int, str]:
    """Return a sort key by which filters come first, then long words."""
    return not is_filter_term(term), -len(term), term


def _is_match(query: TicketQuery, doc: Doc, now: datetime) -> bool:
    return query.matches(doc["words"], doc["price"]) and not has_started(doc, now)
