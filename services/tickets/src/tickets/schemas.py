"""What the wire sees of a ticket."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema

from common.events import TicketCreated, TicketStatus, TicketUpdated
from common.values import money
from common.values.text import SingleLine
from common.web.schemas import CamelModel
from tickets.domain import Ticket

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
"""A number or a numeric string outside, whole cents inside."""


def ticket_path(ticket_id: str) -> str:
    """Say where a ticket is read."""
    return f"/api/tickets/{ticket_id}"


class TicketIn(CamelModel):
    """The title and price of a ticket."""

    title: Title
    price: Price


class TicketEventOut(CamelModel):
    """A ticket as sent in server-sent events."""

    id: str
    title: str
    price: Annotated[float, Field(examples=[19.99])]
    user_id: str
    status: TicketStatus
    order_id: str | None
    version: int

    @classmethod
    def from_event(cls, event: TicketCreated | TicketUpdated) -> Self:
        """Show what an event tells."""
        return cls(
            id=event.id,
            title=event.title,
            price=money.price(event.price),
            user_id=event.user_id,
            status=event.status,
            order_id=event.order_id,
            version=event.version,
        )


class TicketOut(TicketEventOut):
    """A ticket."""

    created_at: datetime

    @classmethod
    def from_domain(cls, ticket: Ticket) -> Self:
        """Show a ticket."""
        return cls(
            id=ticket.id,
            title=ticket.title,
            price=money.price(ticket.price),
            user_id=ticket.user_id,
            status=ticket.status,
            order_id=ticket.order_id,
            version=ticket.version,
            created_at=ticket.created_at,
        )
