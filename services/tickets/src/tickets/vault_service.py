"""The upload of a ticket's original into the vault.

The entry is inserted first, then the ticket says that it is there, then the upload is complete. So
no ticket promises a file that is not stored.
"""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Final

from pymongo.errors import DuplicateKeyError

from common.errors import Conflict
from common.messaging.envelope import EventEnvelope
from common.values.clock import Clock
from common.values.ids import new_id
from tickets import vault_codes
from tickets.domain.ticket import Ticket
from tickets.domain.vault_entry import VaultEntry, add_entry
from tickets.duplicates import Duplicates
from tickets.store.tickets import TicketStore
from tickets.store.vault_entries import VaultEntryStore
from tickets.ticket_files import TicketFile, TicketFileReader
from tickets.vault_keys import VaultKeys
from tickets.vault_sweeper import VaultSweeper

MAX_ATTEMPTS: Final = 3
"""How often an upload is tried while entries with the same code are released."""


class VaultService:
    """Stores the originals of tickets."""

    def __init__(
        self,
        entries: VaultEntryStore,
        tickets: TicketStore,
        sweeper: VaultSweeper,
        duplicates: Duplicates,
        reader: TicketFileReader,
        keys: VaultKeys,
        clock: Clock,
    ) -> None:
        self._entries = entries
        self._tickets = tickets
        self.sweeper = sweeper
        self._duplicates = duplicates
        self._reader = reader
        self._keys = keys
        self._clock = clock

    async def check_may_upload(self, ticket_id: str, *, user_id: str) -> None:
        """Check that a user may upload the original of a ticket.

        Raises:
            NotFound: there is no such ticket.
            Unauthorized: the user is not its seller.
            BadRequest: its file cannot be changed.
        """
        (await self._tickets.get(ticket_id)).check_may_protect(user_id)

    async def upload(self, ticket_id: str, *, user_id: str, data: bytes, media_type: str) -> Ticket:
        """Store the original of a ticket, and say so in the ticket.

        Raises:
            BadRequest: the file is not accepted, or that of the ticket cannot be changed.
            Conflict: one of its codes is listed already.
        """
        file = await self._reader.read(data, media_type)
        entry = await self._store(file, data, ticket_id, user_id)
        ticket = await self._tickets.update(
            ticket_id, lambda ticket: ticket.protect(user_id=user_id, vault=entry.to_copy())
        )
        await self.sweeper.settle(entry)
        return ticket

    async def _store(
        self, file: TicketFile, data: bytes, ticket_id: str, user_id: str
    ) -> VaultEntry:
        """Insert an entry, or return the one that an earlier upload of the same file inserted."""
        codes = sorted(file.codes, key=lambda code: code.is_web_address)
        entry_id, now = new_id(), self._clock()
        sealed = self._keys.seal(entry_id, data, vault_codes.to_json(codes))
        entry = VaultEntry(
            id=entry_id,
            version=0,
            ticket_id=ticket_id,
            uploaded_by=user_id,
            uploaded_at=now,
            media_type=file.media_type,
            size=len(data),
            pages=file.pages,
            symbologies=tuple(code.symbology for code in codes),
            digest=sealed.digest,
            fingerprints=vault_codes.fingerprints(self._keys, codes, data),
        )
        for _ in range(MAX_ATTEMPTS):
            try:
                return await self._entries.add_sealed(add_entry(entry), sealed)
            except DuplicateKeyError:
                existing = await self._resolve_duplicate(entry, now)
                if existing is not None:
                    return existing
        raise Conflict(retry_after=1)

    async def _resolve_duplicate(self, rejected: VaultEntry, now: datetime) -> VaultEntry | None:
        """Return the entry of an earlier upload, or None if the entry can be inserted now.

        Raises:
            Conflict: the code is listed already.
        """
        for found in await self._entries.find_current(rejected.fingerprints):
            if _is_same_upload(found, rejected):
                if found.is_settled:
                    return found
                return await self._entries.update(found.id, lambda entry: entry.upload_again(now))
            settled = await self.sweeper.settle(found)
            if settled.is_current:
                await self._duplicates.refuse(
                    settled, ticket_id=rejected.ticket_id, user_id=rejected.uploaded_by
                )
        return None

    def snapshot_events(self) -> AsyncGenerator[EventEnvelope]:
        """Generate an event with the current state of every entry."""
        return self._entries.snapshot_events(VaultEntry.to_event)


def _is_same_upload(found: VaultEntry, other: VaultEntry) -> bool:
    return (
        found.ticket_id == other.ticket_id
        and found.uploaded_by == other.uploaded_by
        and found.fingerprints == other.fingerprints
    )
