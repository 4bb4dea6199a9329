"""Copies of the tickets, updated by their events."""

from typing import Final

from beanie import Document

from common.persistence.replica import Replica
from orders.domain.ticket import ListedTicket
from orders.store.facts import (
    protection_from_document,
    seat_from_document,
    show_from_document,
    to_document,
)

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
            show=show_from_document(doc.get("show")),
            show_version=doc.get("show_version"),
            seat=seat_from_document(doc.get("seat")),
            withdrawn=doc.get("withdrawn", False),
            show_cancelled=doc.get("show_cancelled", False),
            protection=protection_from_document(doc.get("protection")),
            frozen_until=doc.get("frozen_until"),
        )

    async def upsert(self, ticket: ListedTicket) -> None:
        """Store a ticket's state if it is newer than the stored one."""
        fields = {
            "title": ticket.title,
            "price": ticket.price,
            "user_id": ticket.seller_id,
            "show": to_document(ticket.show),
            "show_version": ticket.show_version,
            "seat": to_document(ticket.seat),
            "withdrawn": ticket.withdrawn,
            "show_cancelled": ticket.show_cancelled,
            "protection": to_document(ticket.protection),
            "frozen_until": ticket.frozen_until,
        }
        await self._replica.upsert(ticket.id, ticket.version, fields)
