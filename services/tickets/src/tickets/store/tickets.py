"""Tickets in MongoDB."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from common.change import Change
from common.events import TicketReturn, TicketStatus
from common.persistence.aggregate_mapping import AggregateMapping
from common.persistence.mongo import OUTBOX_INDEX, STATE_PROJECTION, AggregateDocument, Doc
from common.persistence.outbox import Relay
from common.persistence.store import Store
from common.protection import Protection
from common.shows import Seat, ShowFacts
from common.values.clock import Clock
from common.web.pagination import Page
from tickets.domain.ticket import Fence, Listing, Ticket, VaultCopy
from tickets.search import Sort, TicketQuery
from tickets.store.available_tickets import SEARCH_INDEXES, AvailableTickets
from tickets.store.facets import Facets
from tickets.store.sort_order import SORT_KEYS, Position
from tickets.store.started_shows import UNLISTED
from tickets.store.vocabulary import Vocabulary
from tickets.ticket_terms import ticket_terms

SHOW_COPIES: Final = "show_copies"
"""The index of the copies of each show by their version."""
MAX_PENDING: Final = 100
SOLD_BY_ORDER: Final = "sold_by_order"
LISTED_FROM_ORDER: Final = "listed_from_order"
PENDING: Final = "pending_entry"
PENDING_RETURN: Final = "return_pending"
WITHDRAWN: Final = "withdrawn"
"""The stored status of an available ticket that is withdrawn, so that no search index has it."""


class TicketDocument(AggregateDocument):
    """A ticket; its `words` field holds the terms by which it is found."""

    class Settings:
        name = "tickets"
        indexes = [
            OUTBOX_INDEX,
            *SEARCH_INDEXES,
            IndexModel([("user_id", ASCENDING), ("_id", DESCENDING)]),
            IndexModel(
                [("show.id", ASCENDING), ("show.version", ASCENDING)],
                name=SHOW_COPIES,
                partialFilterExpression={"show.id": {"$exists": True}},
            ),
            IndexModel(
                [("order_id", ASCENDING)],
                name=SOLD_BY_ORDER,
                partialFilterExpression={"status": TicketStatus.SOLD},
            ),
            IndexModel(
                [("from_order_id", ASCENDING)],
                name=LISTED_FROM_ORDER,
                partialFilterExpression={"from_order_id": {"$gt": ""}},
            ),
            IndexModel(
                [("pending_entry", ASCENDING)],
                name=PENDING,
                partialFilterExpression={"pending_entry": {"$gt": ""}},
            ),
            IndexModel(
                [("return_pending", ASCENDING)],
                name=PENDING_RETURN,
                partialFilterExpression={"return_pending": True},
            ),
        ]


def _from_document(doc: Mapping[str, Any]) -> Ticket:
    late_edit, seat, returned = doc.get("late_edit"), doc.get("seat"), doc.get("returned")
    return Ticket(
        id=str(doc["_id"]),
        version=doc["version"],
        title=doc["title"],
        price=doc["price"],
        user_id=doc["user_id"],
        created_at=doc["created_at"],
        status=_status(doc["status"]),
        order_id=doc["order_id"],
        fence=Fence(doc["hold"], doc["order_version"]),
        late_edit=Listing(late_edit["title"], late_edit["price"]) if late_edit else None,
        show=_show(doc),
        seat=Seat.model_validate(seat) if seat else None,
        face_value=doc.get("face_value"),
        vault=_vault_copy(doc.get("vault")),
        late_vault=_vault_copy(doc.get("late_vault")),
        replaced=tuple(filter(None, map(_vault_copy, doc.get("replaced", ())))),
        holder_id=doc.get("holder_id"),
        from_order_id=doc.get("from_order_id"),
        frozen_until=doc.get("frozen_until"),
        pending_entry=doc.get("pending_entry"),
        withdrawn=doc["status"] == WITHDRAWN,
        withdrawn_at=doc.get("withdrawn_at"),
        withdrawing=doc.get("withdrawing", False),
        withdrawn_by_operator=doc.get("withdrawn_by_operator", False),
        return_pending=doc.get("return_pending", False),
        returned=TicketReturn.model_validate(returned) if returned else None,
    )


def to_document(ticket: Ticket) -> Doc:
    """Return the fields of a ticket that are stored."""
    return {
        "title": ticket.title,
        "price": ticket.price,
        "user_id": ticket.user_id,
        "created_at": ticket.created_at,
        "status": _stored_status(ticket),
        "order_id": ticket.order_id,
        "hold": ticket.fence.hold,
        "order_version": ticket.fence.version,
        "late_edit": asdict(ticket.late_edit) if ticket.late_edit else None,
        "show": ticket.show and ticket.show.model_dump(by_alias=False),
        "seat": ticket.seat and ticket.seat.model_dump(by_alias=False),
        "face_value": ticket.face_value,
        "vault": ticket.vault and _vault_document(ticket.vault),
        "late_vault": ticket.late_vault and _vault_document(ticket.late_vault),
        "replaced": [_vault_document(copy) for copy in ticket.replaced],
        "holder_id": ticket.holder_id,
        "from_order_id": ticket.from_order_id,
        "frozen_until": ticket.frozen_until,
        "pending_entry": ticket.pending_entry,
        "withdrawn_at": ticket.withdrawn_at,
        "withdrawing": ticket.withdrawing,
        "withdrawn_by_operator": ticket.withdrawn_by_operator,
        "return_pending": ticket.return_pending,
        "returned": ticket.returned and ticket.returned.model_dump(mode="json", by_alias=False),
        "words": ticket_terms(ticket.title, ticket.show),
    }


def _vault_document(copy: VaultCopy) -> Doc:
    return {
        "entry_id": copy.entry_id,
        "protection": copy.protection.model_dump(mode="json", by_alias=False),
    }


def _vault_copy(doc: Mapping[str, Any] | None) -> VaultCopy | None:
    if doc is None:
        return None
    return VaultCopy(doc["entry_id"], Protection.model_validate(doc["protection"]))


def terms_of(doc: Mapping[str, Any]) -> list[str]:
    """Return the terms by which a stored ticket is found."""
    return ticket_terms(doc["title"], _show(doc))


def _show(doc: Mapping[str, Any]) -> ShowFacts | None:
    show = doc.get("show")
    return ShowFacts.model_validate(show) if show else None


def _status(stored: str) -> TicketStatus:
    return TicketStatus.AVAILABLE if stored in {UNLISTED, WITHDRAWN} else TicketStatus(stored)


def _stored_status(ticket: Ticket) -> str:
    if ticket.withdrawn:
        return WITHDRAWN
    is_cancelled = ticket.show is not None and ticket.show.cancelled_at is not None
    return UNLISTED if is_cancelled and ticket.status is TicketStatus.AVAILABLE else ticket.status


class TicketStore(Store[Ticket]):
    """All tickets, whatever their status."""

    def __init__(
        self,
        relay: Relay,
        clock: Clock,
        on_written: Callable[[Ticket], None] = lambda _ticket: None,
    ) -> None:
        mapping = AggregateMapping(from_document=_from_document, to_document=to_document)
        super().__init__(TicketDocument, mapping, relay, clock, on_written=on_written)
        self._available = AvailableTickets(self.collection, Vocabulary(self.collection), clock)
        self.facets = Facets(self.collection, clock)

    async def insert_idempotent(self, change: Change[Ticket]) -> Ticket:
        """Insert a ticket, or return the one that an earlier try of the same request inserted."""
        try:
            return await self.add(change)
        except DuplicateKeyError:
            return await self.get(change.after.id)

    async def list_available(
        self, query: TicketQuery, *, limit: int, cursor: str | None = None
    ) -> Page[Ticket]:
        """Return a page of available tickets. A short one may have a successor."""
        position = None if cursor is None else Position.from_cursor(cursor, query)
        docs, following = await self._available.search(query, limit=limit, position=position)
        tickets = [self.from_document(doc) for doc in docs]
        return Page(tickets, None if following is None else following.cursor(query))

    async def list_by_seller(self, user_id: str, *, limit: int, cursor: str | None) -> Page[Ticket]:
        """Return a page of a seller's tickets in any state, newest first."""
        newest = TicketQuery(sort=Sort.NEWEST)
        own: Doc = {"user_id": user_id}
        if cursor is not None:
            own["_id"] = {"$lt": Position.from_cursor(cursor, newest).id}
        docs = (
            await self.collection.find(own, STATE_PROJECTION)
            .sort(SORT_KEYS[newest.sort])
            .limit(limit + 1)
            .to_list()
        )
        tickets = [self.from_document(doc) for doc in docs[:limit]]
        has_more = len(docs) > limit
        return Page(tickets, Position.of(docs[limit - 1]).cursor(newest) if has_more else None)

    async def find_sold(self, order_id: str) -> Ticket | None:
        """Return the ticket that an order bought, if the order is complete."""
        sold = {"order_id": order_id, "status": TicketStatus.SOLD}
        doc = await self.collection.find_one(sold, STATE_PROJECTION, hint=SOLD_BY_ORDER)
        return None if doc is None else self.from_document(doc)

    async def list_from_order(self, order_id: str) -> list[Ticket]:
        """Return the listings of the ticket that an order bought."""
        docs = self.collection.find({"from_order_id": order_id}, STATE_PROJECTION)
        return [self.from_document(doc) async for doc in docs.hint(LISTED_FROM_ORDER)]

    async def find_pending(self, *, before: datetime) -> list[Ticket]:
        """Return listings from before this time that still wait for their originals."""
        pending = {"pending_entry": {"$gt": ""}, "created_at": {"$lt": before}}
        docs = self.collection.find(pending, STATE_PROJECTION).hint(PENDING).limit(MAX_PENDING)
        return [self.from_document(doc) async for doc in docs]

    async def find_pending_returns(self) -> list[str]:
        """Return the ids of tickets whose originals have to be taken back."""
        pending = self.collection.find({"return_pending": True}, {"_id": 1})
        return [str(doc["_id"]) async for doc in pending.hint(PENDING_RETURN).limit(MAX_PENDING)]

    async def find_outdated_copies(self, show_id: str, version: int, *, limit: int) -> list[str]:
        """Return the ids of tickets whose copy of the show is older than this version."""
        outdated = {"show.id": show_id, "show.version": {"$lt": version}}
        docs = self.collection.find(outdated, {"_id": 1}).hint(SHOW_COPIES).limit(limit)
        return [str(doc["_id"]) async for doc in docs]
