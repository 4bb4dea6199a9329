"""What a search of the available tickets matches, and in which order."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tickets.search_terms import is_sign, search_terms

MAX_QUERY_LENGTH: Final = 200
MIN_PREFIX_LENGTH: Final = 3
"""A shorter last word is a whole word: too many words begin with it."""


class Sort(StrEnum):
    """Sort keys of the ticket list. A leading minus sorts in descending order."""

    NEWEST = "-createdAt"
    OLDEST = "createdAt"
    PRICE_ASC = "price"
    PRICE_DESC = "-price"

    @property
    def by_price(self) -> bool:
        """Whether the price decides before the age."""
        return self in {Sort.PRICE_ASC, Sort.PRICE_DESC}


@dataclass(frozen=True, slots=True)
class TicketQuery:
    """Filters and sort key of the list of available tickets. Prices are in cents.

    Attributes:
        words: a match has all of them in its title.
        prefix: a word in the title of a match begins with it.
    """

    words: frozenset[str] = frozenset()
    prefix: str = ""
    sort: Sort = Sort.NEWEST
    min_price: int | None = None
    max_price: int | None = None

    @classmethod
    def from_text(
        cls,
        q: str,
        sort: Sort = Sort.NEWEST,
        min_price: int | None = None,
        max_price: int | None = None,
    ) -> "TicketQuery":
        """Parse the words of a search. Only the last may be the beginning of a word.

        Signs count only in a search of signs: "rock & pop" finds "Rock, pop".
        """
        terms = search_terms(q) or [""]
        *words, last = [term for term in terms if not is_sign(term)] or terms
        if len(last) >= MIN_PREFIX_LENGTH:
            return cls(frozenset(words), last, sort, min_price, max_price)
        return cls(frozenset([*words, last]) - {""}, "", sort, min_price, max_price)

    @property
    def has_price_range(self) -> bool:
        """Whether the price of a match is bounded."""
        return self.min_price is not None or self.max_price is not None

    def matches(self, title_words: Collection[str], price: int) -> bool:
        """Return whether a ticket with these words in its title and this price is a match."""
        return (
            (self.min_price is None or price >= self.min_price)
            and (self.max_price is None or price <= self.max_price)
            and self.words.issubset(title_words)
            and (not self.prefix or any(word.startswith(self.prefix) for word in title_words))
        )


def normalize_words(q: str) -> str:
    """Return the same search in one spelling, or the text itself if it is too long."""
    normalized = " ".join(search_terms(q)) if len(q) <= MAX_QUERY_LENGTH else q
    return normalized if len(normalized) <= MAX_QUERY_LENGTH else q
