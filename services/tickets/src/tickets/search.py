"""What a search of the available tickets matches, and in which order."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Final

from tickets.search_terms import fold_name, is_sign, search_terms
from tickets.ticket_terms import DateRange, is_filter_term

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
        words: a match has all of these terms: words, and values to filter by.
        prefix: a word of a match begins with it.
        dates: the local dates on one of which the show of a match starts.
    """

    words: frozenset[str] = frozenset()
    prefix: str = ""
    sort: Sort = Sort.NEWEST
    min_price: int | None = None
    max_price: int | None = None
    dates: DateRange | None = None

    @classmethod
    def from_text(
        cls,
        q: str,
        sort: Sort = Sort.NEWEST,
        min_price: int | None = None,
        max_price: int | None = None,
        *,
        filters: Iterable[str] = (),
        dates: DateRange | None = None,
    ) -> "TicketQuery":
        """Parse the words of a search. Only the last may be the beginning of a word.

        Signs count only in a search of signs: "rock & pop" finds "Rock, pop".

        Args:
            q: what the user typed.
            sort: the order of the matches.
            min_price: the lowest price of a match.
            max_price: the highest price of a match.
            filters: the filter terms of `ticket_terms` that a match has.
            dates: the dates of a match.
        """
        terms = search_terms(q) or [""]
        *words, last = [term for term in terms if not is_sign(term)] or terms
        if len(last) < MIN_PREFIX_LENGTH:
            words, last = [*words, last], ""
        all_words = frozenset([*words, *filters]) - {""}
        return cls(all_words, last, sort, min_price, max_price, dates)

    @property
    def has_price_range(self) -> bool:
        """Whether the price of a match is bounded."""
        return self.min_price is not None or self.max_price is not None

    @property
    def fingerprint(self) -> str:
        """A short text that differs from that of other filters; empty without filters."""
        filters = sorted(filter(is_filter_term, self.words))
        if not filters and self.dates is None:
            return ""
        return blake2b(repr((filters, self.dates)).encode(), digest_size=6).hexdigest()

    def matches(self, terms: Collection[str], price: int) -> bool:
        """Return whether a ticket with these terms and this price is a match."""
        return (
            (self.min_price is None or price >= self.min_price)
            and (self.max_price is None or price <= self.max_price)
            and self.words.issubset(terms)
            and (not self.prefix or any(term.startswith(self.prefix) for term in terms))
            and (self.dates is None or self.dates.includes_one_of(terms))
        )


def normalize_words(q: str) -> str:
    """Return the same search in one spelling, or the text itself if it is too long."""
    return _normalize(q, lambda text: " ".join(search_terms(text)))


def normalize_name(name: str) -> str:
    """Return the same name in one spelling, or the text itself if it is too long."""
    return _normalize(name, fold_name)


def _normalize(text: str, normalize: Callable[[str], str]) -> str:
    if len(text) > MAX_QUERY_LENGTH:
        return text
    normalized = normalize(text)
    return normalized if len(normalized) <= MAX_QUERY_LENGTH else text
