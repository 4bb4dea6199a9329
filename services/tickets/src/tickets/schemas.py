"""Request and response bodies of the tickets API."""

from datetime import datetime
from typing import Annotated

from pydantic import StringConstraints

from common.events import TicketStatus
from common.values.camel_model import CamelModel
from common.values.money import Dollars, Price
from common.values.text import SingleLine

Title = Annotated[SingleLine, StringConstraints(min_length=1, max_length=200)]


class TicketIn(CamelModel):
    """The title and price of a ticket."""

    title: Title
    price: Price


class ListingOut(CamelModel):
    """The title and price of a ticket."""

    title: str
    price: Dollars


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


class TicketOut(TicketEventOut):
    """A ticket."""

    created_at: datetime
