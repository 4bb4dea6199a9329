"""Copies of the tickets, updated by their events."""

from typing import Final

from beanie import Document

from common.persistence.replica import Replica
from orders.domain import ListedTicket

BATCH_DELAY_SECONDS: Final = 0.05
"""How long a copy waits to be written with others."""


class TicketReplica(Document):
    """The fields of a ticket that an order copies."""

    class Settings:
        name = "tickets"


class TicketReplicas:
    """Copies of all tickets, whatever their status."""

    def __init__(self) -> None:
        self._replica = Replica(TicketReplica, max_delay=BATCH_DELAY_SECONDS)

    async def find(self, ticket_id: str) -> ListedTicket | None:
        """Return a ticket, or None if it is unknown."""
        doc = await self._replica.find(ticket_id)
        if doc is None:
            return None
        return ListedTicket(
            id=ticket_id,
            version=doc["version"],
            title=doc["title"],
            price=doc["price"],
            seller_id=doc["user_id"],
        )

    async def upsert(self, ticket: ListedTicket) -> None:
        """Store a ticket's state if it is newer than the stored one."""
        fields = {"title": ticket.title, "price": ticket.price, "user_id": ticket.seller_id}
        await self._replica.upsert(ticket.id, ticket.version, fields)
