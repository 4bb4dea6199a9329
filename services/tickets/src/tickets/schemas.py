"""Request and response bodies of the tickets API."""

from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator, StringConstraints, WithJsonSchema

from common.events import TicketStatus
from common.values import money
from common.values.camel_model import CamelModel
from common.values.money import Dollars
from common.values.text import SingleLine

Title = Annotated[SingleLine, StringConstraints(min_length=1, max_length=200)]
Price = Annotated[
    int,
    BeforeValidator(money.cents),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0.5, "maximum": 999999.99, "multipleOf": 0.01},
                {"type": "string", "pattern": r"^\d{1,6}(\.\d{1,2})?$"},
            ]
        }
    ),
]
"""A price in dollars, as a number or a numeric string, parsed into cents."""


class TicketIn(CamelModel):
    """The title and price of a ticket."""

    title: Title
    price: Price


class TicketEventOut(CamelModel):
    """A ticket as sent in server-sent events."""

    id: str
    title: str
    price: Dollars
    user_id: str
    status: TicketStatus
    order_id: str | None
    version: int


class TicketOut(TicketEventOut):
    """A ticket."""

    created_at: datetime
