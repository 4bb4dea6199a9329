"""The terms by which a ticket is found: words, and the values by which lists are filtered.

A filter term begins with a colon, so no word of a search is one, or is the beginning of one. The
index of the words thereby also finds the tickets of a show, a city, a category or a day.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from common.shows import ShowFacts
from tickets.search_terms import fold_name, search_terms

MAX_WORDS: Final = 200
"""How many words of a ticket are stored, the title's first. 640 characters of a script without
spaces have 1,280, which cost 200 times as much to write as a common title."""
MAX_DATE_TERMS: Final = 40
"""How many terms cover a range of dates at most."""
_MAX_DAY_TERMS: Final = 31
_HORIZON: Final = timedelta(days=3 * 366 + 31)
"""How far ahead a show is at most, with some days more."""
_DATE: Final = ":date:"
_MONTH: Final = ":month:"
_AFTER_ALL_DATES: Final = _DATE + "~"


def ticket_terms(title: str, show: ShowFacts | None) -> list[str]:
    """Return the different terms of a ticket: those of its title, and those of its show."""
    if show is None:
        return search_terms(title)[:MAX_WORDS]
    venue = show.venue
    return [
        *search_terms(f"{title} {show.name} {venue.name} {venue.city}")[:MAX_WORDS],
        show_term(show.id),
        city_term(venue.city),
        category_term(show.category),
        *date_terms(show.local_date),
    ]


def show_term(show_id: str) -> str:
    """Return the term of a show's tickets."""
    return f":show:{show_id}"


def city_term(city: str) -> str:
    """Return the term of a city, which is the same for all its spellings."""
    return f":city:{fold_name(city)}"


def category_term(category: str) -> str:
    """Return the term of a category."""
    return f":category:{category}"


def date_terms(local_date: date) -> tuple[str, str]:
    """Return the terms of a local date: that of the day, and that of its month."""
    return _day_term(local_date), f"{_MONTH}{local_date:%Y-%m}"


def is_filter_term(term: str) -> bool:
    """Return whether a term is a value to filter by. A sign such as ":" is a word."""
    return term.startswith(":") and term[1:2].isalpha()


@dataclass(frozen=True, slots=True)
class DateRange:
    """The local dates between two dates, both included. None leaves an end open."""

    first: date | None = None
    last: date | None = None

    def includes_one_of(self, terms: Iterable[str]) -> bool:
        """Return whether one of the terms is a date in the range."""
        low = _DATE if self.first is None else _day_term(self.first)
        high = _AFTER_ALL_DATES if self.last is None else _day_term(self.last)
        return any(low <= term <= high for term in terms)

    def covering_terms(self, today: date) -> tuple[str, ...]:
        """Return terms that every upcoming show in the range has exactly one of.

        Shows on other days may have one too: a long range is covered by months. `today` is the date
        in UTC, and may be yesterday's or tomorrow's where the show is.
        """
        first = max(self.first or date.min, today - timedelta(days=1))
        last = min(self.last or date.max, today + _HORIZON)
        days = (first + timedelta(days=n) for n in range((last - first).days + 1))
        by_day = (last - first).days < _MAX_DAY_TERMS
        return tuple(dict.fromkeys(date_terms(day)[0 if by_day else 1] for day in days))


def dates_until(today: date) -> dict[str, str]:
    """Return the filter of the days up to today in UTC, wherever the show is."""
    return {"$gte": _DATE, "$lte": _day_term(today + timedelta(days=1))}


def dates_from(today: date) -> dict[str, str]:
    """Return the filter of the days from today in UTC on, wherever the show is."""
    return {"$gte": _day_term(today - timedelta(days=1)), "$lt": _AFTER_ALL_DATES}


def _day_term(local_date: date) -> str:
    return f"{_DATE}{local_date.isoformat()}"
