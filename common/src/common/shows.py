"""What a ticket is for: shows, venues and seats, as events and responses carry them."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, Field

from common.values.camel_model import CamelModel, Omittable
from common.values.ids import Id


class ShowCategory(StrEnum):
    """The kind of a show. The set is fixed: a reader of yesterday would reject another value."""

    CONCERT = "concert"
    FESTIVAL = "festival"
    THEATRE = "theatre"
    COMEDY = "comedy"
    SPORT = "sport"
    FAMILY = "family"
    OTHER = "other"


class Venue(CamelModel):
    """Where a show takes place. The country is an ISO 3166 alpha-2 code."""

    model_config = ConfigDict(frozen=True)

    name: str
    city: str
    country: str


class OrderedShow(CamelModel):
    """What a buyer saw of a show. Times are in UTC; `timeZone` is the IANA zone of the venue."""

    model_config = ConfigDict(frozen=True)

    id: Id
    name: str
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    venue: Venue


class ShowFacts(OrderedShow):
    """The public facts of a show. `version` is that of the show when they last changed."""

    version: Annotated[int, Field(ge=0)]
    category: ShowCategory
    cancelled_at: Omittable[datetime] = None

    @property
    def local_date(self) -> date:
        """The day on which the show starts at its venue."""
        return self.starts_at.astimezone(ZoneInfo(self.time_zone)).date()


class Seat(CamelModel):
    """A place in a venue, as far as its ticket names it."""

    model_config = ConfigDict(frozen=True)

    section: Omittable[str] = None
    row: Omittable[str] = None
    seat: Omittable[str] = None
