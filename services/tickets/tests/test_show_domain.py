"""Tests of the rules of a show, and of what tickets have of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from common.errors import BadRequest, Unauthorized
from common.events import ShowCreated, ShowUpdated, TicketUpdated
from common.shows import Seat, ShowCategory, Venue
from tickets.domain.show import (
    MAX_AHEAD,
    MAX_DURATION,
    Show,
    ShowDetails,
    add_show,
    check_open_for_listing,
)
from tickets.domain.ticket import Ticket, check_price_cap, list_ticket

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
CREATOR, OTHER_USER = "5" * 24, "6" * 24
DETAILS = ShowDetails(
    name="Die Walküre",
    starts_at=NOW + timedelta(days=30),
    ends_at=NOW + timedelta(days=30, hours=5),
    time_zone="Europe/Berlin",
    venue=Venue(name="Staatsoper", city="Berlin", country="DE"),
    category=ShowCategory.THEATRE,
)
RENAMED = replace(DETAILS, name="Siegfried")


def make_show() -> Show:
    return add_show(show_id="8" * 24, details=DETAILS, user_id=CREATOR, now=NOW).after


def make_ticket(show: Show | None) -> Ticket:
    return list_ticket(
        ticket_id="7" * 24,
        title="Front row",
        price=1999,
        seller_id=CREATOR,
        now=NOW,
        show=show and show.facts,
        seat=Seat(row="1"),
        face_value=1500,
    ).after


def test_added_show_is_published() -> None:
    change = add_show(show_id="8" * 24, details=DETAILS, user_id=CREATOR, now=NOW)

    (event,) = change.events
    assert isinstance(event, ShowCreated)
    assert (event.id, event.version, event.name) == ("8" * 24, 0, "Die Walküre")


@pytest.mark.parametrize(
    ("details", "field"),
    [
        (replace(DETAILS, ends_at=DETAILS.starts_at), "endsAt"),
        (replace(DETAILS, ends_at=DETAILS.starts_at - timedelta(hours=1)), "endsAt"),
        (
            replace(DETAILS, ends_at=DETAILS.starts_at + MAX_DURATION + timedelta(seconds=1)),
            "endsAt",
        ),
        (replace(DETAILS, starts_at=NOW), "startsAt"),
        (replace(DETAILS, starts_at=NOW - timedelta(days=1)), "startsAt"),
        (replace(DETAILS, starts_at=NOW + MAX_AHEAD + timedelta(seconds=1)), "startsAt"),
    ],
)
def test_invalid_times_are_rejected_with_their_field(details: ShowDetails, field: str) -> None:
    with pytest.raises(BadRequest) as added:
        add_show(show_id="8" * 24, details=details, user_id=CREATOR, now=NOW)
    with pytest.raises(BadRequest) as edited:
        make_show().edit(user_id=CREATOR, details=details, now=NOW)

    assert [error.value.details[0].field for error in (added, edited)] == [field, field]


def test_show_of_31_days_may_contain_a_change_of_clocks() -> None:
    starts_at = datetime(2030, 10, 10, 18, tzinfo=UTC)
    details = replace(DETAILS, starts_at=starts_at, ends_at=starts_at + timedelta(days=31, hours=1))

    assert add_show(show_id="8" * 24, details=details, user_id=CREATOR, now=NOW).events


def test_edit_changes_the_facts_and_is_published() -> None:
    change = make_show().edit(user_id=CREATOR, details=RENAMED, now=NOW)

    (event,) = change.events
    assert isinstance(event, ShowUpdated)
    assert (event.version, event.name) == (1, "Siegfried")
    assert (change.after.facts.version, change.after.facts.name) == (1, "Siegfried")


def test_edit_to_the_same_details_changes_nothing() -> None:
    change = make_show().edit(user_id=CREATOR, details=DETAILS, now=NOW)

    assert (change.after, change.events) == (make_show(), ())


def test_edit_by_another_user_is_unauthorized() -> None:
    with pytest.raises(Unauthorized):
        make_show().edit(user_id=OTHER_USER, details=RENAMED, now=NOW)


def test_closed_show_is_not_edited_by_its_creator() -> None:
    closed = make_show().close().after

    with pytest.raises(BadRequest, match="cannot be changed"):
        closed.edit(user_id=CREATOR, details=RENAMED, now=NOW)


def test_closed_show_is_corrected_by_an_operator() -> None:
    assert make_show().close().after.correct(RENAMED, NOW).after.name == "Siegfried"


def test_cancelled_show_is_not_edited() -> None:
    with pytest.raises(BadRequest, match="cancelled"):
        make_show().cancel(NOW).after.edit(user_id=CREATOR, details=RENAMED, now=NOW)


def test_close_is_published_once_and_leaves_the_facts() -> None:
    change = make_show().close()

    assert [type(event) for event in change.events] == [ShowUpdated]
    assert change.after.facts == make_show().facts
    assert change.after.close().events == ()


def test_cancel_is_a_fact_with_its_first_time() -> None:
    cancelled = make_show().cancel(NOW).after

    assert (cancelled.facts.cancelled_at, cancelled.facts.version) == (NOW, 1)
    assert cancelled.cancel(NOW + timedelta(days=1)).events == ()


@pytest.mark.parametrize(
    "show", [make_show().cancel(NOW).after, replace(make_show(), starts_at=NOW)]
)
def test_no_ticket_is_listed_for_a_cancelled_or_begun_show(show: Show) -> None:
    with pytest.raises(BadRequest) as error:
        check_open_for_listing(show, NOW)

    assert error.value.details[0].field == "showId"


def test_ticket_gets_newer_facts_of_its_show_once() -> None:
    edited = make_show().edit(user_id=CREATOR, details=RENAMED, now=NOW).after

    change = make_ticket(make_show()).refresh_show(edited.facts)

    (event,) = change.events
    assert isinstance(event, TicketUpdated)
    assert (event.version, event.show) == (1, edited.facts)
    assert change.after.refresh_show(edited.facts).events == ()
    assert change.after.refresh_show(make_show().facts).events == ()


def test_ticket_ignores_facts_of_another_show() -> None:
    other = replace(make_show(), id="9" * 24, facts_version=5)

    assert make_ticket(make_show()).refresh_show(other.facts).events == ()
    assert make_ticket(None).refresh_show(other.facts).events == ()


def test_local_date_is_that_of_the_venue() -> None:
    late = replace(
        make_show(), starts_at=datetime(2030, 6, 14, 23, tzinfo=UTC), time_zone="Europe/Berlin"
    )

    assert late.local_date.isoformat() == late.facts.local_date.isoformat() == "2030-06-15"


def test_edit_without_show_fields_keeps_them() -> None:
    ticket = make_ticket(make_show())

    edited = ticket.edit(user_id=CREATOR, title="Back row", price=500).after

    assert (edited.show, edited.seat, edited.face_value) == (
        ticket.show,
        ticket.seat,
        ticket.face_value,
    )


def test_edit_removes_fields_that_are_none() -> None:
    edited = make_ticket(make_show()).edit(
        user_id=CREATOR, title="Back row", price=500, show=None, seat=None, face_value=None
    )

    assert (edited.after.show, edited.after.seat, edited.after.face_value) == (None, None, None)


@pytest.mark.parametrize(
    ("price", "face_value", "percent"),
    [(10_000, None, None), (12_000, 10_000, 120), (50, 50, 100), (133, 111, 120)],
)
def test_price_up_to_the_cap_is_accepted(
    price: int, face_value: int | None, percent: int | None
) -> None:
    check_price_cap(price, face_value, percent)


@pytest.mark.parametrize(
    ("price", "face_value", "field"),
    [(12_001, 10_000, "price"), (134, 111, "price"), (50, None, "faceValue")],
)
def test_price_above_the_cap_is_rejected_with_its_field(
    price: int, face_value: int | None, field: str
) -> None:
    with pytest.raises(BadRequest, match="120 %") as error:
        check_price_cap(price, face_value, 120)

    assert error.value.details[0].field == field


def test_edit_above_the_cap_is_rejected() -> None:
    with pytest.raises(BadRequest, match="120 %"):
        make_ticket(None).edit(user_id=CREATOR, title="x", price=1_801, price_cap_percent=120)
