"""The vault in MongoDB.

The encrypted file is in the document of its entry (`sealed`), so that an upload, a reveal and a
removal are one write each. Lists and updates do not read it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, Final

from pymongo import ASCENDING, IndexModel
from pymongo.read_concern import ReadConcern

from common.change import Change
from common.events import VaultState
from common.persistence.aggregate_mapping import AggregateMapping
from common.persistence.mongo import (
    OUTBOX_INDEX,
    STATE_PROJECTION,
    AggregateDocument,
    Doc,
    object_id,
)
from common.persistence.outbox import Relay
from common.persistence.store import Store
from common.values.clock import Clock
from tickets.domain.vault_entry import Decision, Match, Reveal, VaultEntry
from tickets.vault_keys import SealedFile

ONE_LISTING_PER_CODE: Final = "one_listing_per_code"
UNSETTLED: Final = "unsettled_by_id"
"""The index of the entries with which something remains to be done."""
_NOT_STORED_AS_STATE: Final = {"id", "version", "fingerprints"}
"""The fingerprints are stored when the entry is inserted: they never change, and the audit log,
which has every changed field, must not have them."""


class VaultDocument(AggregateDocument):
    """An entry of the vault, its fingerprints, and its encrypted file."""

    class Settings:
        name = "vault"
        indexes = [
            OUTBOX_INDEX,
            IndexModel(
                "fingerprints",
                name=ONE_LISTING_PER_CODE,
                unique=True,
                partialFilterExpression={"is_current": True, "fingerprints.0": {"$exists": True}},
            ),
            IndexModel("ticket_id", name="ticket"),
            IndexModel("state", name="state"),
            IndexModel(
                [("is_settled", ASCENDING), ("_id", ASCENDING)],
                name=UNSETTLED,
                partialFilterExpression={"is_settled": False},
            ),
        ]


def _from_document(doc: Mapping[str, Any]) -> VaultEntry:
    reveal = doc["reveal"]
    return VaultEntry(
        id=str(doc["_id"]),
        version=doc["version"],
        ticket_id=doc["ticket_id"],
        earlier=tuple(doc["earlier"]),
        uploaded_by=doc["uploaded_by"],
        uploaded_at=doc["uploaded_at"],
        media_type=doc["media_type"],
        size=doc["size"],
        pages=doc["pages"],
        symbologies=tuple(doc["symbologies"]),
        digest=doc["digest"],
        fingerprints=tuple(doc.get("fingerprints", ())),
        state=VaultState(doc["state"]),
        reveal=Reveal(**reveal) if reveal else None,
        is_attached=doc["is_attached"],
        is_current=doc["is_current"],
        released_at=doc["released_at"],
        matches=tuple(Match(**match) for match in doc["matches"]),
        decision=Decision(doc["decision"]) if doc.get("decision") else None,
    )


def _to_document(entry: VaultEntry) -> Doc:
    state = {
        field.name: getattr(entry, field.name)
        for field in fields(entry)
        if field.name not in _NOT_STORED_AS_STATE
    }
    removed: Doc = {"sealed": None, "fingerprints": []} if entry.state is VaultState.VOID else {}
    return {
        **state,
        "reveal": entry.reveal and asdict(entry.reveal),
        "matches": [asdict(match) for match in entry.matches],
        "is_settled": entry.is_settled,
        **removed,
    }


class VaultEntryStore(Store[VaultEntry]):
    """All entries of the vault. The audit log of each names those who were shown the file."""

    def __init__(self, relay: Relay, clock: Clock) -> None:
        mapping = AggregateMapping(
            from_document=_from_document, to_document=_to_document, audited=True
        )
        super().__init__(VaultDocument, mapping, relay, clock)

    async def add_sealed(self, change: Change[VaultEntry], sealed: SealedFile) -> VaultEntry:
        """Insert an entry with its encrypted file.

        Raises:
            DuplicateKeyError: another current entry has one of its codes.
        """
        entry = change.after
        doc = self._mapping.document(change, self._clock)
        doc["sealed"] = asdict(sealed)
        if entry.fingerprints:
            doc["fingerprints"] = [*entry.fingerprints]
        await self._writer.insert(doc)
        return entry

    async def read_revealed(self, entry_id: str, ticket_id: str) -> SealedFile | None:
        """Return the encrypted file of an entry that is revealed to the buyer of a listing.

        The read sees only what a majority has, so the record of the reveal cannot be lost.
        """
        collection = self.collection.with_options(read_concern=ReadConcern("majority"))
        revealed = {
            "_id": object_id(entry_id),
            "state": VaultState.REVEALED,
            "reveal.ticket_id": ticket_id,
        }
        doc = await collection.find_one(revealed, {"sealed": 1})
        return SealedFile(**doc["sealed"]) if doc else None

    async def find_current(self, fingerprints: Sequence[str]) -> list[VaultEntry]:
        """Return the current entries that have one of these codes."""
        same = {
            "fingerprints": {"$in": [*fingerprints]},
            "fingerprints.0": {"$exists": True},
            "is_current": True,
        }
        docs = self.collection.find(same, STATE_PROJECTION)
        return [self.from_document(doc) async for doc in docs]

    async def list_of_ticket(self, ticket_id: str) -> list[VaultEntry]:
        """Return the entries that belong to a listing."""
        docs = self.collection.find({"ticket_id": ticket_id}, STATE_PROJECTION)
        return [self.from_document(doc) async for doc in docs]

    async def list_unsettled(self, *, after: str | None, limit: int) -> list[VaultEntry]:
        """Return entries with which something remains to be done, in the order of their ids.

        Args:
            after: the last entry of the page before. None returns the first page.
            limit: how many entries a page has.
        """
        unsettled: Doc = {"is_settled": False}
        if after is not None:
            unsettled["_id"] = {"$gt": object_id(after)}
        docs = self.collection.find(unsettled, STATE_PROJECTION).sort("_id", ASCENDING).limit(limit)
        return [self.from_document(doc) async for doc in docs]
