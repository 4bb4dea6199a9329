"""Request and response bodies of the tickets API."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Annotated, Final, Self

from pydantic import (
    BeforeValidator,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from common.events import TicketStatus, VaultState
from common.protection import ProtectionGrade
from common.shows import Seat, ShowCategory, ShowFacts, Venue
from common.values.camel_model import CamelModel, Omittable
from common.values.ids import Id
from common.values.money import Dollars, FaceValue, Price
from common.values.text import SingleLine
from tickets.domain.show import ShowDetails
from tickets.domain.ticket import Ticket
from tickets.local_times import CountryCode, LocalTime, TimeZoneName

LocalDate = date
Title = Annotated[SingleLine, StringConstraints(min_length=1, max_length=200)]
PlaceName = Annotated[SingleLine, StringConstraints(min_length=1, max_length=120)]
SeatLabel = Annotated[SingleLine, StringConstraints(min_length=1, max_length=40)]


class VenueIn(CamelModel):
    """Where a show takes place."""

    name: PlaceName
    city: PlaceName
    country: CountryCode


class ShowIn(CamelModel):
    """A show. The zone stands before the times, because they are read in it."""

    name: Title
    time_zone: TimeZoneName
    starts_at: LocalTime
    ends_at: LocalTime
    venue: VenueIn
    category: ShowCategory

    def to_details(self) -> ShowDetails:
        """Return what the user entered."""
        return ShowDetails(
            name=self.name,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            time_zone=self.time_zone,
            venue=Venue.from_attributes(self.venue),
            category=self.category,
        )


class NewShowIn(ShowIn):
    """A show to add."""

    another: bool = False
    """Whether there may be a show of this name and place at another time of the same day."""


class ShowOut(CamelModel):
    """A show. Times are in UTC."""

    id: str
    version: int
    user_id: str
    name: str
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    venue: Venue
    category: ShowCategory
    created_at: datetime
    cancelled_at: Omittable[datetime] = None


class SeatIn(CamelModel):
    """A place in the venue, as far as the ticket names it."""

    section: SeatLabel | None = None
    row: SeatLabel | None = None
    seat: SeatLabel | None = None

    @model_validator(mode="after")
    def _check_not_empty(self) -> Self:
        if self.section is None and self.row is None and self.seat is None:
            raise ValueError("must have a section, a row or a seat")
        return self


class TicketIn(CamelModel):
    """A ticket. A field that an edit does not contain stays; one that is null is removed."""

    title: Title
    price: Price
    show_id: Id | None = None
    seat: SeatIn | None = None
    face_value: FaceValue | None = None


class NewTicketIn(TicketIn):
    """A ticket to list."""

    from_order_id: Id | None = None
    """The order by which the seller bought it here. It has the show, the seat, the face value and
    the original of that ticket."""

    @field_validator("from_order_id")
    @classmethod
    def _check_bought_ticket(cls, order_id: str | None, info: ValidationInfo) -> str | None:
        taken_over = ("show_id", "seat", "face_value")
        if order_id is not None and any(info.data.get(name) is not None for name in taken_over):
            raise ValueError("must come without showId, seat and faceValue")
        return order_id


class ListingOut(CamelModel):
    """The title and price of a ticket."""

    title: str
    price: Dollars


class ProtectionOut(CamelModel):
    """What is known of a ticket's original."""

    grade: ProtectionGrade
    symbologies: tuple[str, ...]
    """The kinds of its codes, such as `qr`, one for each code."""
    revealed: bool
    """Whether a buyer has seen the code before this listing."""


DESCRIBED: Final = ProtectionOut(grade=ProtectionGrade.DESCRIBED, symbologies=(), revealed=False)
"""A ticket of which only its seller's words are known."""


def _protection_or_described(value: object) -> object:
    return DESCRIBED if value is None else value


class TicketEventOut(CamelModel):
    """A ticket as sent in server-sent events."""

    id: str
    title: str
    price: Dollars
    user_id: str
    status: TicketStatus
    order_id: str | None
    version: int
    late_edit: ListingOut | None = None
    """The seller's edit that came after the order. It applies when the ticket is free again."""
    show_id: Omittable[str] = None
    show: Omittable[ShowFacts] = None
    seat: Omittable[Seat] = None
    face_value: Omittable[Dollars] = None
    withdrawn: Omittable[bool] = None
    """Whether its seller took it off the market."""
    withdrawing: Omittable[bool] = None
    """Whether it becomes withdrawn if its order is cancelled."""
    withdrawn_by_operator: Omittable[bool] = None
    """Whether it is an operator who withdrew it."""
    protection: Annotated[ProtectionOut, BeforeValidator(_protection_or_described)] = DESCRIBED
    frozen_until: Omittable[datetime] = None
    """Until when nobody can order it, because another person listed the same code."""


class TicketOut(TicketEventOut):
    """A ticket."""

    created_at: datetime
    seller_verified: Omittable[bool] = None
    """Whether the payment processor knows who its seller is, who can therefore be paid."""

    @classmethod
    def from_domain(cls, ticket: Ticket, verified: Collection[str]) -> Self:
        """Create the model of a ticket.

        Args:
            ticket: the ticket.
            verified: the sellers who are verified, of those who matter.
        """
        out = cls.from_attributes(ticket)
        if ticket.user_id in verified:
            out.seller_verified = True
        return out


class PassOut(CamelModel):
    """The state of a ticket's original, for its seller and its buyer."""

    ticket_id: str
    state: VaultState
    grade: ProtectionGrade
    symbologies: tuple[str, ...]
    """The kinds of its codes, one for each. `pass/qr.svg?code=` counts in their order."""
    pages: int
    media_type: str
    size: int
    """Of the file, in bytes."""
    uploaded_at: datetime
    revealed_at: datetime | None
    listed_again_as: str | None
    """The listing by which its buyer sells the ticket again, or has sold it."""
    from_order_id: str | None = None
    """The order by which its seller bought it here, for the seller. Its file cannot be replaced."""
    can_reveal: bool
    """Whether you may reveal it now, and have not done so."""
    can_read: bool
    """Whether it was revealed to you, and you still may read it."""


class CityCountOut(CamelModel):
    """How many available tickets there are in a city."""

    city: str
    country: str
    count: int


class DateCountOut(CamelModel):
    """How many available tickets there are for shows on a day, in local time."""

    date: LocalDate
    count: int


class CategoryCountOut(CamelModel):
    """How many available tickets there are for shows of a category."""

    category: ShowCategory
    count: int


class FacetsOut(CamelModel):
    """The number of available tickets by city, date and category, as last counted."""

    cities: list[CityCountOut]
    dates: list[DateCountOut]
    categories: list[CategoryCountOut]
    at: datetime | None
    """When they were counted; null before the first count."""
