"""Times at the venue of a show, and the time zones and countries that a venue may have.

A person enters the time on the ticket, which is a local time. Where clocks change, such a time may
not exist, or exist twice.
"""

import re
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from iso3166 import countries_by_alpha2
from pydantic import AfterValidator, BeforeValidator, ValidationInfo, WithJsonSchema

_TIME: Final = re.compile(
    r"[12]\d{3}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?", re.ASCII
)
_FORMAT: Final = "must be a date and time such as 2027-06-14T20:00"
_NO_ZONE: Final = "Factory"
"""A name in the database that stands for a clock that was never set."""


@cache
def _time_zones() -> frozenset[str]:
    names = files("tzdata").joinpath("zones").read_text(encoding="utf-8").split()
    return frozenset(names) - {_NO_ZONE}


def _check_time_zone(name: str) -> str:
    if name not in _time_zones():
        raise ValueError("must be a time zone of the IANA database, such as Europe/Berlin")
    return name


def _check_country(code: str) -> str:
    if not code.isascii() or code.upper() not in countries_by_alpha2:
        raise ValueError("must be a country code of ISO 3166, such as DE")
    return code.upper()


TimeZoneName = Annotated[str, AfterValidator(_check_time_zone)]
CountryCode = Annotated[str, AfterValidator(_check_country)]


def parse_local_time(text: str, time_zone: str) -> datetime:
    """Return the time, in UTC, at which clocks in a zone show a time.

    The text may end with the offset of the zone at that time. "Z" marks a time in UTC, which is how
    responses contain it (RFC 9557, 2).

    Raises:
        ValueError: with a message for the user.
    """
    if not _TIME.fullmatch(text):
        raise ValueError(_FORMAT)
    try:
        given = datetime.fromisoformat(text).replace(microsecond=0)
        candidates = _times_on_clocks(given.replace(tzinfo=None), ZoneInfo(time_zone))
    except (ValueError, OverflowError):
        raise ValueError(_FORMAT) from None
    if text.endswith("Z"):
        return given
    if not candidates:
        raise ValueError(f"does not exist in {time_zone}, because clocks change then")
    if given.tzinfo is not None:
        if given.utcoffset() not in {one.utcoffset() for one in candidates}:
            raise ValueError(f"must have the offset of {time_zone} at that time, or none")
        return given.astimezone(UTC)
    if len(candidates) > 1:
        choices = " or ".join(one.isoformat(timespec="minutes") for one in candidates)
        raise ValueError(f"exists twice in {time_zone}: add the offset, {choices}")
    return candidates[0].astimezone(UTC)


def _times_on_clocks(naive: datetime, zone: ZoneInfo) -> list[datetime]:
    """Return the times at which clocks show this one: none, one or two."""
    times: list[datetime] = []
    for fold in (0, 1):
        candidate = naive.replace(tzinfo=zone, fold=fold)
        shown = candidate.astimezone(UTC).astimezone(zone)
        is_new = all(one.utcoffset() != candidate.utcoffset() for one in times)
        if shown.replace(tzinfo=None, fold=0) == naive and is_new:
            times.append(candidate)
    return times


def _read_local_time(value: object, info: ValidationInfo) -> datetime:
    if not isinstance(value, str):
        raise ValueError(_FORMAT)  # noqa: TRY004 - pydantic reports only a ValueError
    return parse_local_time(value, info.data.get("time_zone", "UTC"))


LocalTime = Annotated[
    datetime,
    BeforeValidator(_read_local_time),
    WithJsonSchema(
        {
            "type": "string",
            "description": "A local time in `timeZone`, without offset or with that of the zone, "
            "or a time in UTC that ends with Z",
            "examples": ["2027-06-14T20:00"],
        }
    ),
]
"""A time in a request whose field `time_zone` stands before it."""
