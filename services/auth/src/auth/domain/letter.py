"""Rules of letters: one for each fact, user and kind, sent at least once under one Message-ID.

    queued --> sent
      |  ^
      |  +---- not accepted for now: tried again later
      +------> failed (refused, or not accepted for three days)
      +------> expired (its link is no longer valid)

A process that sends a letter has leased it: nobody else tries until the lease is over.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from auth.domain.second_factor import REMOVAL_DELAY
from common.change import Change
from common.errors import NotFound

LINK_LIFETIME: Final = timedelta(hours=1)
MAX_AGE: Final = timedelta(days=3)
"""For how long a letter is tried, and how old a fact may be that is worth a letter. A new consumer
gets the events of thirty days."""
LEASE: Final = timedelta(minutes=2)
"""Longer than an attempt takes."""
FIRST_RETRY: Final = timedelta(seconds=10)
MAX_RETRY: Final = timedelta(hours=1)


class LetterKind(StrEnum):
    """What a letter is about. Each has its texts in `auth/templates`."""

    VERIFY = "verify"
    RESET = "reset"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - no password
    EMAIL_VERIFY = "email_verify"
    """To the requested address."""
    EMAIL_REQUESTED = "email_requested"
    """To the present address."""
    EMAIL_CHANGED = "email_changed"
    EMAIL_CHANGED_FORMER = "email_changed_former"
    """To the address before the change."""
    NEW_SIGN_IN = "new_sign_in"
    """From a browser that had not signed in before."""
    RECEIPT = "receipt"
    ORDER_EXPIRED = "order_expired"
    ORDER_CANCELLED = "order_cancelled"
    TICKET_SOLD = "ticket_sold"
    LISTING_WITHDRAWN = "listing_withdrawn"
    """By an operator."""
    REFUND = "refund"
    REFUND_OFFERED = "refund_offered"
    """By the seller, to the buyer."""
    PAYOUT_SENT = "payout_sent"
    PAYOUT_HELD = "payout_held"
    """Because the seller has to do something."""
    DISPUTE_OPENED = "dispute_opened"
    """To the seller."""
    DISPUTE_CLOSED = "dispute_closed"
    """To the seller."""
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_REMOVED = "passkey_removed"
    SECOND_FACTOR_REMOVAL = "second_factor_removal"
    SECOND_FACTOR_REMOVAL_FORMER = "second_factor_removal_former"
    """To the address before a recent change."""
    ACCOUNT_KEPT = "account_kept"
    """The deletion of the account was given up."""
    ACCOUNT_DELETED = "account_deleted"
    """The last letter. It knows its address and language, because the account does not exist."""


REMOVAL_KINDS: Final = frozenset(
    {LetterKind.SECOND_FACTOR_REMOVAL, LetterKind.SECOND_FACTOR_REMOVAL_FORMER}
)
LINK_KINDS: Final = REMOVAL_KINDS | {LetterKind.VERIFY, LetterKind.RESET, LetterKind.EMAIL_VERIFY}
"""Letters whose link proves that its reader receives the mail of an address."""


class LetterState(StrEnum):
    """What became of a letter."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter, and the notice with the same content.

    Attributes:
        facts: what its text names: `order_id`, `ticket_id`, `title`, and `amount` in cents.
        address: where it goes, if not to the address that the account has when it is sent.
        credentials_version: of the account when it was written, if it has a link.
        due_at: when it may be tried next.
        refusal: the SMTP status with which it was refused, or why it was not sent.
    """

    id: str
    version: int
    user_id: str
    kind: LetterKind
    created_at: datetime
    due_at: datetime
    facts: Mapping[str, str | int] = field(default_factory=dict[str, str | int])
    address: str | None = None
    credentials_version: int | None = None
    state: LetterState = LetterState.QUEUED
    attempts: int = 0
    sent_at: datetime | None = None
    refusal: str | None = None

    @property
    def has_link(self) -> bool:
        return self.kind in LINK_KINDS

    def is_link_valid(self, now: datetime) -> bool:
        """Return whether the time of its link is not over."""
        lifetime = REMOVAL_DELAY if self.kind in REMOVAL_KINDS else LINK_LIFETIME
        return self.has_link and now < self.created_at + lifetime

    def lease(self, now: datetime) -> Change["Letter"]:
        """Reserve the letter for one attempt, or give it up because it is too old.

        Raises:
            NotFound: it is not due, for example because another process has leased it.
        """
        if self.state is not LetterState.QUEUED or now < self.due_at:
            raise NotFound
        if self.has_link and not self.is_link_valid(now):
            return self._changed(state=LetterState.EXPIRED)
        if now >= self.created_at + MAX_AGE:
            return self._ended(state=LetterState.FAILED, refusal=self.refusal or "too old")
        return self._changed(attempts=self.attempts + 1, due_at=now + LEASE)

    def mark_sent(self, now: datetime) -> Change["Letter"]:
        """Record that the mail server accepted the letter."""
        if self.state is LetterState.SENT:
            return Change(self)
        return self._ended(state=LetterState.SENT, sent_at=now, refusal=None)

    def mark_refused(self, refusal: str) -> Change["Letter"]:
        """Record that the mail server refused the letter for good."""
        if self.state is not LetterState.QUEUED:
            return Change(self)
        return self._ended(state=LetterState.FAILED, refusal=refusal)

    def postpone(self, refusal: str, now: datetime) -> Change["Letter"]:
        """Record a failed attempt, and try again later."""
        if self.state is not LetterState.QUEUED:
            return Change(self)
        delay = min(FIRST_RETRY * 4 ** min(self.attempts - 1, 10), MAX_RETRY)
        return self._changed(due_at=now + delay, refusal=refusal)

    def _ended(self, **fields: object) -> Change["Letter"]:
        """Return the end of the letter. The last letter to a person forgets the address."""
        if self.kind is LetterKind.ACCOUNT_DELETED:
            return self._changed(address=None, facts={}, **fields)
        return self._changed(**fields)

    def _changed(self, **fields: object) -> Change["Letter"]:
        return Change(replace(self, version=self.version + 1, **fields))


def letter_id(fact: str, kind: LetterKind, user_id: str) -> str:
    """Return the id of the letter about a fact. The same fact gives the same id."""
    return hashlib.sha256(f"{fact}\n{user_id}\n{kind}".encode()).hexdigest()[:24]


def write_letter(
    fact: str,
    kind: LetterKind,
    user_id: str,
    *,
    now: datetime,
    facts: Mapping[str, str | int] | None = None,
    address: str | None = None,
    credentials_version: int | None = None,
) -> Change[Letter]:
    """Create the letter about a fact. The same fact gives the same id.

    `fact` names what happened, and not the event that reported it, because `republish-state`
    publishes the same state under new ids.
    """
    letter = Letter(
        id=letter_id(fact, kind, user_id),
        version=0,
        user_id=user_id,
        kind=kind,
        created_at=now,
        due_at=now,
        facts=facts or {},
        address=address,
        credentials_version=credentials_version,
    )
    return Change(letter)
