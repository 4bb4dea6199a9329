"""The query parameters of the ticket list."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Final

from fastapi import Depends, Query

from common.shows import ShowCategory
from common.values.ids import Id
from common.values.money import whole_cents
from tickets.search import MAX_QUERY_LENGTH, Sort, TicketQuery
from tickets.ticket_terms import DateRange, category_term, city_term, show_term

DAY: Final = "A day at the venue"
PriceBound = Annotated[Decimal | None, Query(ge=0, le=1_000_000, decimal_places=2)]


@dataclass(frozen=True, slots=True)
class _ShowFilters:
    """What the show of a match is.

    Attributes:
        terms: the terms of the show, its city and its category, as far as they are given.
        dates: the days on one of which it starts.
    """

    terms: frozenset[str]
    dates: DateRange | None


def _show_filters(
    show_id: Annotated[Id | None, Query(alias="showId")] = None,
    city: Annotated[str, Query(max_length=MAX_QUERY_LENGTH)] = "",
    category: ShowCategory | None = None,
    first_day: Annotated[date | None, Query(alias="from", description=DAY)] = None,
    last_day: Annotated[date | None, Query(alias="to", description=DAY)] = None,
) -> _ShowFilters:
    terms: set[str] = set()
    if show_id is not None:
        terms.add(show_term(show_id))
    if city.strip():
        terms.add(city_term(city))
    if category is not None:
        terms.add(category_term(category))
    dates = None if first_day is None and last_day is None else DateRange(first_day, last_day)
    return _ShowFilters(frozenset(terms), dates)


def _ticket_query(
    filters: Annotated[_ShowFilters, Depends(_show_filters)],
    q: Annotated[
        str,
        Query(
            max_length=MAX_QUERY_LENGTH,
            description="Words of the title, the show, its venue and its city. The last one may be "
            "the beginning of a word, from 3 letters on.",
        ),
    ] = "",
    sort: Sort = Sort.NEWEST,
    min_price: Annotated[PriceBound, Query(alias="minPrice")] = None,
    max_price: Annotated[PriceBound, Query(alias="maxPrice")] = None,
) -> TicketQuery:
    return TicketQuery.from_text(
        q,
        sort,
        whole_cents(min_price),
        whole_cents(max_price),
        filters=filters.terms,
        dates=filters.dates,
    )


TicketQueryParameters = Annotated[TicketQuery, Depends(_ticket_query)]
