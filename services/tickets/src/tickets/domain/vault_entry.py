"""Rules of an entry of the vault: the original of a ticket, which is revealed to its buyers only.

sealed --reveal--> revealed
   |
   +----void----> void (its key and its file are deleted)

An entry belongs to one listing at a time. A buyer lists the ticket again by moving the entry to the
new listing; what was revealed once stays revealed. An entry that its ticket does not use any more,
because its seller replaced it or withdrew the ticket, is released. It stays for a day, because an
order that was placed before may still arrive.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from common.change import Change
from common.errors import Conflict, Gone
from common.events import VaultCreated, VaultState, VaultUpdated
from common.protection import Protection, ProtectionGrade
from tickets.domain.ticket import WITHDRAWAL_DELAY, VaultCopy

UPLOAD_TIME: Final = timedelta(minutes=10)
"""How long an upload may take until its ticket uses the entry."""
RETENTION: Final = timedelta(days=1)
"""How long a released entry can still be opened, for an order that arrives very late."""
MAX_MATCHES: Final = 20
LISTED_AGAIN: Final = "The ticket is listed again"


@dataclass(frozen=True, slots=True)
class Reveal:
    """The record that a buyer was shown the original, as the buyer of one listing."""

    user_id: str
    ticket_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Match:
    """Another upload of the same code, which was refused."""

    user_id: str
    ticket_id: str
    at: datetime


class Decision(StrEnum):
    """What an operator decided about a listing whose code somebody else uploaded too."""

    CLEARED = "cleared"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, kw_only=True, slots=True)
class VaultEntry:
    """An original in the vault.

    Attributes:
        ticket_id: the newest listing of the ticket.
        earlier: the listings that were sold before, the oldest first.
        uploaded_at: when its seller uploaded it, or did so again.
        size: of the file, in bytes.
        symbologies: the kinds of its codes, one for each. Those of web addresses are the last.
        digest: the SHA-256 of the encrypted file.
        fingerprints: by which its codes are recognized. They are in no event and no audit log.
        reveal: the last reveal. The audit log has all.
        is_attached: whether the upload is complete, so that a ticket has used it.
        is_current: whether nobody else may upload the same code.
        released_at: since when its ticket does not use it any more.
        matches: the first uploads of the same code that were refused.
        decision: the last decision of an operator. The audit log names the actor and the reason.
    """

    id: str
    version: int
    ticket_id: str
    earlier: tuple[str, ...] = ()
    uploaded_by: str
    uploaded_at: datetime
    media_type: str
    size: int
    pages: int
    symbologies: tuple[str, ...]
    digest: str
    fingerprints: tuple[str, ...] = field(repr=False)
    state: VaultState = VaultState.SEALED
    reveal: Reveal | None = None
    is_attached: bool = False
    is_current: bool = True
    released_at: datetime | None = None
    matches: tuple[Match, ...] = ()
    decision: Decision | None = None

    @property
    def revealed_at(self) -> datetime | None:
        """When it was last revealed."""
        return self.reveal and self.reveal.at

    @property
    def is_settled(self) -> bool:
        """Whether its ticket uses it, or it is void, so that nothing remains to be done."""
        is_in_use = self.is_attached and self.released_at is None
        return is_in_use or self.state is VaultState.VOID

    def to_copy(self) -> VaultCopy:
        """Return what its ticket stores and publishes of it."""
        protection = Protection(
            grade=ProtectionGrade.VAULT,
            digest=self.digest,
            symbologies=self.symbologies,
            revealed=self.state is VaultState.REVEALED,
        )
        return VaultCopy(self.id, protection)

    def attach(self, *, is_current: bool = True) -> Change["VaultEntry"]:
        """Complete the upload, or retain an entry that its ticket uses again."""
        return self._next_version(
            replace(self, is_attached=True, is_current=is_current, released_at=None)
        )

    def upload_again(self, now: datetime) -> Change["VaultEntry"]:
        """Begin the upload of the same file again."""
        self._check_not_void()
        return self._next_version(
            replace(self, is_attached=False, is_current=True, released_at=None, uploaded_at=now)
        )

    def release(self, now: datetime) -> Change["VaultEntry"]:
        """Note that its ticket does not use it any more, unless a buyer has a right to it."""
        if self.earlier or self.state is not VaultState.SEALED or self.released_at is not None:
            return Change(self)
        return self._next_version(replace(self, released_at=now))

    def expire(self, now: datetime) -> Change["VaultEntry"]:
        """Do what is due with an entry that its ticket does not use.

        An abandoned upload is void after a while. The code of a released entry may soon be uploaded
        again, and the entry itself is void after a day.
        """
        if self.state is not VaultState.SEALED:
            return Change(self)
        if self.released_at is None:
            is_abandoned = not self.is_attached and now - self.uploaded_at > UPLOAD_TIME
            return self.void() if is_abandoned else Change(self)
        age = now - self.released_at
        if age > RETENTION:
            return self.void()
        return self._next_version(
            replace(self, is_current=self.is_current and age <= WITHDRAWAL_DELAY)
        )

    def shred(self, ticket_id: str) -> Change["VaultEntry"]:
        """Remove the entry of a withdrawn listing, unless a buyer has a right to it."""
        if self.ticket_id != ticket_id or self.earlier or self.state is not VaultState.SEALED:
            return Change(self)
        return self.void()

    def void(self) -> Change["VaultEntry"]:
        """Remove the entry for good. Repeating it changes nothing."""
        return self._next_version(
            replace(self, state=VaultState.VOID, is_current=False, fingerprints=())
        )

    def take_back(self, *, ticket_id: str, listings: Collection[str]) -> Change["VaultEntry"]:
        """Remove the entry of a buyer whose money goes back, unless the buyer was shown it.

        Args:
            ticket_id: the listing that was sold to the buyer.
            listings: the listings by which nobody else can buy the ticket from this buyer. The
                entry stays if it belongs to another one by now.
        """
        is_shown = self.reveal is not None and self.reveal.ticket_id == ticket_id
        if is_shown or self.ticket_id not in listings:
            return Change(self)
        return self.void()

    def show_to(
        self, *, user_id: str, ticket_id: str, newest: str, now: datetime
    ) -> Change["VaultEntry"]:
        """Record that the buyer of a listing is shown the original. Repeating it changes nothing.

        Args:
            user_id: the buyer.
            ticket_id: the listing that was sold to the buyer.
            newest: the newest listing when the access of the buyer was checked
                (`tickets.domain.vault_access`).
            now: the time.

        Raises:
            Conflict: the ticket has been listed again since then.
            Gone: the entry is void.
        """
        self._check_not_void()
        if self.ticket_id != newest:
            raise Conflict(LISTED_AGAIN)
        if self.reveal is not None and self.reveal.ticket_id == ticket_id:
            return Change(self)
        return self._next_version(
            replace(self, state=VaultState.REVEALED, reveal=Reveal(user_id, ticket_id, now))
        )

    def list_again(self, *, sold: str, newest: str, ticket_id: str) -> Change["VaultEntry"]:
        """Move the entry to a new listing by the buyer of a sold one. Repeating it changes nothing.

        Args:
            sold: the listing that was sold to the buyer.
            newest: the newest listing when the caller checked that it is the sold one, or that the
                buyer has withdrawn it.
            ticket_id: the new listing.

        Raises:
            Conflict: the ticket has been listed again since then.
            Gone: the entry is void.
        """
        self._check_not_void()
        if self.ticket_id == ticket_id:
            return Change(self)
        if self.ticket_id != newest or sold not in (newest, *self.earlier[-1:]):
            raise Conflict(LISTED_AGAIN)
        earlier = self.earlier if sold in self.earlier else (*self.earlier, sold)
        return self._next_version(
            replace(self, ticket_id=ticket_id, earlier=earlier, is_attached=True, released_at=None)
        )

    def record_match(self, match: Match) -> Change["VaultEntry"]:
        """Record a refused upload of the same code, once for each of its tickets."""
        is_known = match.ticket_id in {known.ticket_id for known in self.matches}
        if is_known or len(self.matches) >= MAX_MATCHES:
            return Change(self)
        return self._next_version(replace(self, matches=(*self.matches, match)))

    def record_decision(self, decision: Decision) -> Change["VaultEntry"]:
        """Record an operator's decision. Repeating it changes nothing."""
        return self._next_version(replace(self, decision=decision))

    def _check_not_void(self) -> None:
        if self.state is VaultState.VOID:
            raise Gone("The file of this ticket was removed")

    def _next_version(self, after: "VaultEntry") -> Change["VaultEntry"]:
        if after == self:
            return Change(self)
        after = replace(after, version=self.version + 1)
        return Change(after, (after.to_event(),))

    def to_event(self) -> VaultUpdated:
        """Return the event that publishes the entry's current state."""
        return VaultUpdated.from_attributes(self)


def add_entry(entry: VaultEntry) -> Change[VaultEntry]:
    """Add the entry of an uploaded file, which no ticket uses yet."""
    return Change(entry, (VaultCreated.from_attributes(entry),))
