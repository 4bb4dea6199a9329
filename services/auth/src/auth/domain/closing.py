"""Rules of the deletion of an account, which has two steps because events arrive late.

    open --> closing --> erasing --> erased
      ^         |
      +---------+ an obligation came up

A closing account has no sessions and cannot sign in, and its listings are withdrawn. It is erased
when orders has confirmed that nobody can order from it, and a short wait has shown no obligation.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from auth.domain.account import CLOCK_STEP, Account, Closing, Kept
from auth.domain.revocation import REVOCATION_TTL
from common.change import Change
from common.events import AllSessionsRevoked, UserDeleted

COMPLETION_DELAY: Final = timedelta(seconds=20)
"""After which what arrived during the deletion is erased too."""


@dataclass(frozen=True, slots=True)
class ErasedUser:
    """A user who was deleted: an id, and nothing else of the person.

    Attributes:
        requested_by: who asked for the deletion.
        is_complete: whether everything was erased a second time.
    """

    id: str
    version: int
    erased_at: datetime
    requested_by: str
    is_complete: bool = False

    def to_event(self) -> UserDeleted:
        """Return the event that makes every service erase what it holds."""
        return UserDeleted(id=self.id, version=self.version, deleted_at=self.erased_at)

    def complete(self) -> Change["ErasedUser"]:
        """Publish the deletion once more, and end it."""
        if self.is_complete:
            return Change(self)
        after = replace(self, version=self.version + 1, is_complete=True)
        return Change(after, (after.to_event(),))


def close(
    account: Account, *, requested_by: str, ignores_dates: bool, now: datetime
) -> Change[Account]:
    """Begin the deletion, and end all sessions. An operator can also change one that has begun."""
    closing = account.closing
    if closing is not None:
        if closing.erasing_at is not None or closing.ignores_dates or not ignores_dates:
            return Change(account)
        decided = replace(closing, requested_by=requested_by, ignores_dates=True)
        return _next(account, closing=decided)
    before = now + CLOCK_STEP
    if account.sessions_end is not None:
        before = max(before, account.sessions_end.before + CLOCK_STEP)
    ended = account.end_sessions(before=before, now=now)
    after = replace(ended.after, closing=Closing(now, requested_by, ignores_dates))
    return Change(after, (after.to_user_event(), *ended.events))


def confirm(account: Account, closing_at: datetime, now: datetime) -> Change[Account]:
    """Record that nobody can order from the user any more. Repeating it changes nothing."""
    closing = account.closing
    if closing is None or closing.at != closing_at or closing.confirmed_at is not None:
        return Change(account)
    return _next(account, closing=replace(closing, confirmed_at=now))


def keep(account: Account, reason: str, now: datetime) -> Change[Account]:
    """Keep the account open after all, unless it is being erased."""
    if account.closing is None or account.closing.erasing_at is not None:
        return Change(account)
    after = _next(account, closing=None, kept=Kept(now, reason)).after
    return Change(after, (after.to_user_event(),))


def is_ready(account: Account, wait: timedelta, now: datetime) -> bool:
    """Return whether every event that could stop the deletion should have arrived."""
    confirmed_at = account.closing and account.closing.confirmed_at
    return confirmed_at is not None and now >= confirmed_at + wait


def begin_erasure(account: Account, now: datetime) -> Change[Account]:
    """Pass the point from which the deletion cannot be given up."""
    closing = account.closing
    if closing is None or closing.erasing_at is not None:
        return Change(account)
    return _next(account, closing=replace(closing, erasing_at=now))


def erase(account: Account, now: datetime) -> Change[ErasedUser]:
    """Create the record of a deletion, which also ends sessions that started during it."""
    requested_by = account.closing.requested_by if account.closing else ""
    erased = ErasedUser(account.id, 0, now, requested_by)
    ended = AllSessionsRevoked(
        user_id=account.id, before=now + CLOCK_STEP, until=now + REVOCATION_TTL
    )
    return Change(erased, (erased.to_event(), ended))


def _next(account: Account, **fields: object) -> Change[Account]:
    return Change(replace(account, version=account.version + 1, **fields))
