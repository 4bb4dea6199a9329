"""Tickets that tests and benchmarks insert directly, because they need many of them."""

import base64
import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Final

from bson import ObjectId

from common.events import TicketStatus
from common.persistence.mongo import Doc
from common.shows import ShowCategory, ShowFacts, Venue
from common.values.ids import new_id
from tickets.domain.ticket import Ticket
from tickets.store.tickets import to_document
from tickets.vault_keys import VaultKeys

VAULT_KEY: Final = "a1" * 32
FINGERPRINT_KEY: Final = "b2" * 32
SELLER_ID: Final = "a" * 24


def show_facts(
    starts_at: datetime,
    *,
    name: str = "Orfeo",
    city: str = "Berlin",
    country: str = "DE",
    time_zone: str = "Europe/Berlin",
    category: ShowCategory = ShowCategory.CONCERT,
    cancelled_at: datetime | None = None,
) -> ShowFacts:
    """Return the facts of a show of three hours."""
    return ShowFacts(
        id=new_id(),
        version=0,
        name=name,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=3),
        time_zone=time_zone,
        venue=Venue(name="Arena", city=city, country=country),
        category=category,
        cancelled_at=cancelled_at,
    )


def ticket_document(
    title: str,
    price: int = 2_000,
    status: TicketStatus = TicketStatus.AVAILABLE,
    show: ShowFacts | None = None,
) -> Doc:
    """Return the document of a ticket that is newer than those before. The price is in cents."""
    ticket_id = ObjectId()
    ticket = Ticket(
        str(ticket_id), 0, title, price, SELLER_ID, datetime.now(UTC), status, show=show
    )
    return {"_id": ticket_id, "version": 0, **to_document(ticket), "outbox": []}


def entry_document(keys: VaultKeys, state: str = "sealed") -> Doc:
    """Return the parts of an entry of the vault that the operator's commands read."""
    entry_id = ObjectId()
    code = {"symbology": "qr", "payload": base64.b64encode(entry_id.binary).decode()}
    sealed = keys.seal(str(entry_id), b"%PDF " + entry_id.binary, json.dumps([code]).encode())
    return {
        "_id": entry_id,
        "version": 3,
        "state": state,
        "digest": sealed.digest,
        "sealed": asdict(sealed),
        "fingerprints": [keys.fingerprint("qr", entry_id.binary)],
        "current": True,
    }
