"""Tests of times as clocks at a venue show them."""

from datetime import UTC, datetime

import pytest

from tickets.local_times import parse_local_time

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2027-06-14T20:00", BERLIN, datetime(2027, 6, 14, 18, tzinfo=UTC)),
        ("2027-12-14T20:00:30.5", BERLIN, datetime(2027, 12, 14, 19, 0, 30, tzinfo=UTC)),
        ("2027-06-14T20:00+02:00", BERLIN, datetime(2027, 6, 14, 18, tzinfo=UTC)),
        ("2027-06-14T18:00:00Z", BERLIN, datetime(2027, 6, 14, 18, tzinfo=UTC)),
        ("2027-06-14T20:00", NEW_YORK, datetime(2027, 6, 15, 0, tzinfo=UTC)),
        ("2027-06-14T20:00", "Asia/Kathmandu", datetime(2027, 6, 14, 14, 15, tzinfo=UTC)),
    ],
)
def test_local_time_is_read_in_its_zone(text: str, zone: str, expected: datetime) -> None:
    assert parse_local_time(text, zone) == expected


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("2027-03-28T02:30", BERLIN),
        ("2027-03-28T02:30+01:00", BERLIN),
        ("2027-03-14T02:30", NEW_YORK),
        ("2011-12-30T12:00", "Pacific/Apia"),
    ],
)
def test_local_time_that_clocks_skip_is_rejected(text: str, zone: str) -> None:
    with pytest.raises(ValueError, match="does not exist"):
        parse_local_time(text, zone)


def test_local_time_that_exists_twice_asks_for_the_offset() -> None:
    with pytest.raises(ValueError, match=r"2027-10-31T02:30\+02:00 or 2027-10-31T02:30\+01:00"):
        parse_local_time("2027-10-31T02:30", BERLIN)


def test_offset_distinguishes_the_times_that_exist_twice() -> None:
    first = parse_local_time("2027-10-31T02:30+02:00", BERLIN)
    second = parse_local_time("2027-10-31T02:30+01:00", BERLIN)

    assert first == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
    assert second == datetime(2027, 10, 31, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("offset", ["+01:00", "-02:00", "+00:00"])
def test_offset_of_another_zone_is_rejected(offset: str) -> None:
    with pytest.raises(ValueError, match="offset of Europe/Berlin"):
        parse_local_time(f"2027-06-14T20:00{offset}", BERLIN)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "2027-06-14",
        "2027-13-14T20:00",
        "2027-02-30T20:00",
        "2027-06-14T24:30",
        "2027-06-14 20:00",
        "2027-06-14T20:00\n",
        "0000-01-01T00:00",
        "0001-01-01T00:00+23:59",
        "9999-12-31T23:59-23:59",
        "9999-12-31T23:59Z",
        "২০২৭-06-14T20:00",
    ],
)
def test_text_that_is_no_time_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        parse_local_time(text, BERLIN)
