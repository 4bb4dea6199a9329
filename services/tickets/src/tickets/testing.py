"""Tickets that tests and benchmarks insert directly, because they need many of them."""

from datetime import UTC, datetime
from typing import Final

from bson import ObjectId

from common.events import TicketStatus
from common.persistence.mongo import Doc
from tickets.domain.ticket import Ticket
from tickets.store.tickets import to_document

SELLER_ID: Final = "a" * 24


def ticket_document(
    title: str, price: int = 2_000, status: TicketStatus = TicketStatus.AVAILABLE
) -> Doc:
    """Return the document of a ticket that is newer than those before. The price is in cents."""
    ticket_id = ObjectId()
    ticket = Ticket(str(ticket_id), 0, title, price, SELLER_ID, datetime.now(UTC), status)
    return {"_id": ticket_id, "version": 0, **to_document(ticket), "outbox": []}
