"""What a search of the upcoming shows matches."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Final

from common.shows import ShowCategory
from tickets.search_terms import fold_name, is_sign, search_terms

MIN_PREFIX_LENGTH: Final = 3
"""Shorter beginnings of words find nothing: too many words begin with them."""
MAX_TERM_LENGTH: Final = 20
"""Words are compared up to this letter. One of 4,000, which 200 characters of some scripts become
in Latin letters, would else have as many beginnings."""
MAX_TERMS: Final = 200
"""How many terms of a show are stored, whole words first."""


@dataclass(frozen=True, slots=True)
class ShowQuery:
    """Filters of the list of upcoming shows.

    Attributes:
        terms: a match has a word in its name, venue or city that begins with each of them.
        city: the city, folded by `fold_name`; empty for every city.
        first_day: the first day at the venue.
        last_day: the last day at the venue.
    """

    terms: frozenset[str] = frozenset()
    city: str = ""
    category: ShowCategory | None = None
    first_day: date | None = None
    last_day: date | None = None

    @classmethod
    def from_text(
        cls,
        q: str,
        *,
        city: str = "",
        category: ShowCategory | None = None,
        first_day: date | None = None,
        last_day: date | None = None,
    ) -> "ShowQuery":
        """Parse the words of a search. Signs count only in a search of signs."""
        terms = search_terms(q)
        words = [term for term in terms if not is_sign(term)] or terms
        compared = frozenset(word[:MAX_TERM_LENGTH] for word in words)
        return cls(compared, fold_name(city), category, first_day, last_day)

    @property
    def fingerprint(self) -> str:
        """A short text that is the same for equal queries, by which a cursor knows its own."""
        text = repr((sorted(self.terms), self.city, self.category, self.first_day, self.last_day))
        return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()

    def matches(
        self, terms: Collection[str], *, city: str, category: ShowCategory, day: date
    ) -> bool:
        """Return whether a show with these terms, city, category and local day is a match."""
        return (
            self.terms.issubset(terms)
            and self.city in {"", city}
            and self.category in {None, category}
            and (self.first_day is None or day >= self.first_day)
            and (self.last_day is None or day <= self.last_day)
        )


def show_terms(*texts: str) -> list[str]:
    """Return the words of texts and their beginnings, by which a show is found while typing."""
    words = [word[:MAX_TERM_LENGTH] for word in search_terms(" ".join(texts))]
    beginnings = (word[:end] for word in words for end in range(MIN_PREFIX_LENGTH, len(word)))
    return list(dict.fromkeys([*words, *beginnings]))[:MAX_TERMS]
