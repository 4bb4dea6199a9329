"""The search of the available tickets, within a budget of index keys and documents.

A search reads one index range in the order of the sort, from the position of its cursor. The range
is that of the rarest word, or of all available tickets. MongoDB filters nothing, so that a query
examines what it returns and nothing else; what does not match is left out here. A page that the
budget cuts short continues after the last ticket examined.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pymongo import ASCENDING, DESCENDING, IndexModel

from common.events import TicketStatus
from common.persistence.mongo import STATE_PROJECTION, Collection, Doc
from tickets.search import TicketQuery
from tickets.store.sort_order import (
    SORT_KEYS,
    Position,
    follows,
    price_range,
    ranges_after,
    sort_by_id,
)
from tickets.store.vocabulary import MAX_EXPANSION_COST, WORDS_NEWEST, Vocabulary

MAX_EXAMINED: Final = 2_000
"""How many index keys and documents one request may examine, together."""
MAX_RANKED_WORDS: Final = 8
"""Among how many words of a search the rarest is chosen."""
_RANKING_COST: Final = 2 * MAX_RANKED_WORDS + MAX_EXPANSION_COST

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
    """

    words: Sequence[str] | None
    is_exact: bool

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
        """Return how many documents can be read if each title has all of the words."""
        ways = len(self.words or [""])
        return (budget - self.overhead) // (ways + 1)

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

    def __init__(self, tickets: Collection, vocabulary: Vocabulary) -> None:
        self._tickets = tickets
        self._vocabulary = vocabulary

    async def search(
        self, query: TicketQuery, *, limit: int, position: Position | None
    ) -> tuple[list[Doc], Position | None]:
        """Return the next matches, and the position after which the search continues.

        There may be fewer than `limit` matches, or none, although the search continues.
        """
        entries = await self._choose_range(query)
        if entries.words == ():
            return [], None
        budget = MAX_EXAMINED - _RANKING_COST
        size = limit + 1 if entries.is_exact else 2 * (limit + 1)
        if query.has_price_range and not query.sort.by_price:
            rest_size = min(size, entries.affordable(budget // 2))
            rest = await self._read_small_price_range(entries, query, position, rest_size)
            if rest is not None:
                return rest[:limit], Position.of(rest[limit - 1]) if len(rest) > limit else None
            budget //= 2
        found: list[Doc] = []
        while len(found) < limit and (size := min(size, entries.affordable(budget))) > 0:
            docs = await self._read(entries, query, position, size)
            for doc in docs:
                if _is_match(query, doc):
                    if len(found) == limit:
                        return found, position
                    found.append(doc)
                position = Position.of(doc)
            if len(docs) < size:
                return found, None
            budget -= entries.cost(docs)
            size *= 2
        return found, position

    async def _choose_range(self, query: TicketQuery) -> _Range:
        """Return the range of the rarest word. The words that begin with the prefix are one."""
        ranked = sorted(query.words, key=lambda word: (-len(word), word))[:MAX_RANKED_WORDS]
        frequencies, expansion = await asyncio.gather(
            self._vocabulary.frequencies(ranked), self._vocabulary.expand(query.prefix)
        )
        candidates: list[tuple[tuple[str, ...], int]]
        candidates = [((word,), frequencies.get(word, 0)) for word in ranked]
        if expansion is not None:
            candidates.append((tuple(expansion), sum(expansion.values())))
        by_index = query.sort.by_price or not query.has_price_range
        if not candidates:
            return _Range(None, is_exact=by_index and not query.prefix)
        rarest, _ = min(candidates, key=lambda candidate: candidate[1])
        return _Range(rarest, is_exact=by_index and len(query.words) + bool(query.prefix) == 1)

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
        self, entries: _Range, query: TicketQuery, position: Position | None, size: int
    ) -> list[Doc] | None:
        """Return all matches after a position, or None if `size` tickets have such a price.

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
        if len(docs) == size:
            return None
        matches = [
            doc for doc in docs if _is_match(query, doc) and follows(doc, position, query.sort)
        ]
        return sort_by_id(matches, query.sort)


def _is_match(query: TicketQuery, doc: Doc) -> bool:
    return query.matches(doc["words"], doc["price"])
