"""What the buyer of a ticket does with its original: look at its state, reveal it, and read it.

The record of a reveal is committed by a majority before the first byte leaves.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from weakref import WeakValueDictionary

from common.errors import Conflict, Gone, NotFound, Unauthorized
from common.events import VaultState
from common.protection import ProtectionGrade
from common.values.clock import Clock
from tickets import vault_codes
from tickets.domain.ticket import Ticket, VaultCopy
from tickets.domain.vault_access import Access, access
from tickets.domain.vault_entry import LISTED_AGAIN, VaultEntry
from tickets.store.tickets import TicketStore
from tickets.store.vault_entries import VaultEntryStore
from tickets.ticket_files import TicketFileReader
from tickets.vault_keys import SealedFile, VaultKeys


@dataclass(frozen=True, kw_only=True, slots=True)
class Pass:
    """The state of a ticket's original, for its seller and its buyer."""

    ticket_id: str
    state: VaultState
    grade: ProtectionGrade
    symbologies: tuple[str, ...]
    pages: int
    media_type: str
    size: int
    uploaded_at: datetime
    revealed_at: datetime | None
    listed_again_as: str | None
    from_order_id: str | None
    can_reveal: bool
    can_read: bool


@dataclass(frozen=True, slots=True)
class _Examined:
    """An entry, and what a user may do with it through one of its listings."""

    ticket: Ticket
    is_buyer: bool
    copy: VaultCopy
    entry: VaultEntry
    newest: Ticket
    access: Access


class Passes:
    """Shows originals to those who bought them."""

    def __init__(
        self,
        entries: VaultEntryStore,
        tickets: TicketStore,
        reader: TicketFileReader,
        keys: VaultKeys,
        clock: Clock,
    ) -> None:
        self._entries = entries
        self._tickets = tickets
        self._reader = reader
        self._keys = keys
        self._clock = clock
        self._turns = WeakValueDictionary[str, asyncio.Lock]()
        """By the user, whose codes are drawn one at a time: each takes a child process."""

    async def get(self, ticket_id: str, *, user_id: str) -> Pass:
        """Return the state of the original.

        Raises:
            NotFound: there is no such ticket, or no original of it.
            Unauthorized: the user is neither its seller nor its buyer.
        """
        return _to_pass(await self._examine(ticket_id, user_id))

    async def reveal(self, ticket_id: str, *, user_id: str) -> Pass:
        """Record that the buyer is shown the original. Repeating it changes nothing.

        Raises:
            Unauthorized: the user is not the buyer.
            Conflict: the ticket is listed again.
            Gone: the original was removed.
        """
        examined = await self._examine(ticket_id, user_id)
        _check_holder(examined)
        if not examined.access.may_reveal:
            raise Conflict(LISTED_AGAIN)
        newest, now = examined.newest.id, self._clock()
        await self._entries.update(
            examined.entry.id,
            lambda entry: entry.show_to(
                user_id=user_id, ticket_id=ticket_id, newest=newest, now=now
            ),
        )
        return _to_pass(await self._examine(ticket_id, user_id))

    async def read_file(self, ticket_id: str, *, user_id: str) -> tuple[str, bytes]:
        """Return the media type and the content of the original.

        Raises:
            Unauthorized: the user is not the buyer.
            Conflict: it was not revealed to the user.
            Gone: the original was removed.
        """
        entry, sealed = await self._open(ticket_id, user_id)
        return entry.media_type, self._keys.open_file(entry.id, sealed.wrapped_key, sealed.file)

    async def draw_code(self, ticket_id: str, *, user_id: str, index: int) -> bytes:
        """Return one of the codes of the original, drawn as SVG.

        Raises:
            NotFound: there is no such code.
            Unauthorized: the user is not the buyer.
            Conflict: it was not revealed to the user.
            Gone: the original was removed.
        """
        entry, sealed = await self._open(ticket_id, user_id)
        codes = vault_codes.from_json(
            self._keys.open_codes(entry.id, sealed.wrapped_key, sealed.codes)
        )
        if index >= len(codes):
            raise NotFound
        async with self._turns.setdefault(user_id, asyncio.Lock()):
            return await self._reader.draw(codes[index])

    async def _open(self, ticket_id: str, user_id: str) -> tuple[VaultEntry, SealedFile]:
        examined = await self._examine(ticket_id, user_id)
        _check_holder(examined)
        if not examined.access.may_read:
            raise Conflict("The ticket was not revealed to you")
        sealed = await self._entries.read_revealed(examined.entry.id, ticket_id)
        if sealed is None:  # removed since
            raise Gone
        return examined.entry, sealed

    async def _examine(self, ticket_id: str, user_id: str) -> _Examined:
        ticket = await self._tickets.get(ticket_id)
        if user_id not in (ticket.user_id, ticket.holder_id):
            raise Unauthorized
        if ticket.vault is None:
            raise NotFound
        entry = await self._entries.get(ticket.vault.entry_id)
        newest = ticket
        if entry.ticket_id != ticket_id:
            newest = await self._tickets.get(entry.ticket_id)
        previous = None
        if entry.earlier:
            is_this = entry.earlier[-1] == ticket_id
            previous = ticket if is_this else await self._tickets.get(entry.earlier[-1])
        may = access(
            entry, newest, previous, user_id=user_id, ticket_id=ticket_id, now=self._clock()
        )
        is_buyer = user_id == ticket.holder_id
        return _Examined(ticket, is_buyer, ticket.vault, entry, newest, may)


def _check_holder(examined: _Examined) -> None:
    """Check that the original is the user's.

    Raises:
        Unauthorized: the user did not buy it.
        Gone: it was removed.
        Conflict: the user has sold it again.
    """
    if not examined.is_buyer:
        raise Unauthorized
    if examined.entry.state is VaultState.VOID:
        raise Gone
    if not examined.access.is_holder:
        raise Conflict(LISTED_AGAIN)


def _to_pass(examined: _Examined) -> Pass:
    entry, may, ticket = examined.entry, examined.access, examined.ticket
    is_listed_again = ticket.id in entry.earlier and not may.may_reveal
    return Pass(
        ticket_id=ticket.id,
        state=entry.state,
        grade=examined.copy.protection.grade,
        symbologies=entry.symbologies,
        pages=entry.pages,
        media_type=entry.media_type,
        size=entry.size,
        uploaded_at=entry.uploaded_at,
        revealed_at=entry.revealed_at,
        listed_again_as=entry.ticket_id if is_listed_again else None,
        from_order_id=None if examined.is_buyer else ticket.from_order_id,
        can_reveal=may.may_reveal and not may.may_read,
        can_read=may.may_read,
    )
