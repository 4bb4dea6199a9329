"""Tests of the terms by which tickets are found and filtered."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.shows import ShowCategory
from common.values.clock import utc_now
from tickets.search import TicketQuery
from tickets.search_terms import search_terms
from tickets.testing import show_facts
from tickets.ticket_terms import (
    MAX_DATE_TERMS,
    MAX_WORDS,
    DateRange,
    city_term,
    date_terms,
    is_filter_term,
    show_term,
    ticket_terms,
)

TODAY = date(2027, 1, 15)
FARTHEST = 1_097
"""How many days ahead a show is at most."""

upcoming = st.integers(-1, FARTHEST).map(lambda days: TODAY + timedelta(days=days))
bound = st.none() | st.dates() | upcoming


def test_terms_are_words_and_filters() -> None:
    show = show_facts(
        datetime(2027, 6, 14, 23, 30, tzinfo=UTC),
        name="La Traviata",
        city="Łódź",
        time_zone="Europe/Warsaw",
        category=ShowCategory.THEATRE,
    )

    assert ticket_terms("Row 7, Łódź", show) == [
        *("row", "7", "lodz", "la", "traviata", "arena"),
        *(f":show:{show.id}", ":city:lodz", ":category:theatre"),
        *(":date:2027-06-15", ":month:2027-06"),
    ]


def test_ticket_has_a_bounded_number_of_terms() -> None:
    title = "".join(chr(0x4E00 + number) for number in range(200))
    show = show_facts(utc_now(), name=title[::-1], city=title[:120][::2])

    terms = ticket_terms(title, show)

    assert len(ticket_terms(title, None)) == MAX_WORDS
    assert len(terms) == MAX_WORDS + 5
    assert {show_term(show.id), city_term(show.venue.city)} <= {*terms}


def test_ticket_without_a_show_has_the_terms_of_its_title() -> None:
    assert ticket_terms("Front row", None) == ["front", "row"]


@pytest.mark.parametrize(("one", "other"), [("NEW  YORK", "New York"), ("Zürich", "zurich")])
def test_spellings_of_a_city_are_one_term(one: str, other: str) -> None:
    assert city_term(one) == city_term(other)
    assert is_filter_term(city_term(one))


@given(st.text(max_size=60))
def test_search_has_no_filter_term(q: str) -> None:
    assert not any(map(is_filter_term, search_terms(q)))
    assert not any(":show:x".startswith(term) for term in search_terms(q) if len(term) > 2)


@given(bound, bound, upcoming)
def test_dates_are_covered_by_few_terms(
    first: date | None, last: date | None, local_date: date
) -> None:
    dates = DateRange(first, last)
    covering = dates.covering_terms(TODAY)
    terms = date_terms(local_date)
    is_in_range = (not first or first <= local_date) and (not last or local_date <= last)

    assert len(covering) <= MAX_DATE_TERMS
    assert dates.includes_one_of(terms) == is_in_range
    assert len({*covering} & {*terms}) == 1 or not is_in_range


@pytest.mark.parametrize(
    ("first", "last", "terms"),
    [
        (date(2027, 2, 6), date(2027, 2, 7), [":date:2027-02-06", ":date:2027-02-07"]),
        (
            date(2027, 2, 20),
            date(2027, 4, 1),
            [":month:2027-02", ":month:2027-03", ":month:2027-04"],
        ),
        (date(2027, 2, 7), date(2027, 2, 6), []),
        (date(2026, 1, 1), date(2026, 12, 31), []),
        (date(9999, 1, 1), None, []),
    ],
)
def test_range_of_days_is_covered_by_days_or_months(
    first: date, last: date | None, terms: list[str]
) -> None:
    assert [*DateRange(first, last).covering_terms(TODAY)] == terms


def test_queries_of_other_filters_have_other_fingerprints() -> None:
    queries = [
        TicketQuery.from_text("", filters=filters, dates=dates)
        for filters in ((), {city_term("Berlin")}, {city_term("Bern")})
        for dates in (None, DateRange(TODAY), DateRange(None, TODAY))
    ]

    assert len({query.fingerprint for query in queries}) == len(queries)
    assert queries[0].fingerprint == TicketQuery.from_text("other words").fingerprint == ""
