"""An account, its events, and the rules of its sessions."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from auth.domain.revocation import REVOCATION_TTL
from auth.domain.second_factor import SecondFactor
from auth.domain.session import Session
from auth.emails import normalize_email
from common.change import Change
from common.events import AllSessionsRevoked, UserCreated, UserUpdated

UNKNOWN_DEVICE_INTERVAL: Final = timedelta(minutes=1)
CLOCK_STEP: Final = timedelta(milliseconds=1)
"""Stored times have milliseconds."""


@dataclass(frozen=True, slots=True)
class SessionsEnd:
    """The end of all sessions of an account that started before a time.

    Attributes:
        before: sessions that started earlier are ended.
        until: when the last access token of those sessions has expired.
    """

    before: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class EmailAt:
    """An address of an account and a time: when it was asked for, or when it was replaced."""

    email: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Closing:
    """A deletion that has begun (`auth.domain.closing`).

    Attributes:
        at: when it was asked for.
        requested_by: who asked for it.
        ignores_dates: whether an operator decided that it does not wait for the shows of tickets
            that the user bought.
        confirmed_at: when nobody could order from the user any more.
        erasing_at: from when on it cannot be given up.
    """

    at: datetime
    requested_by: str
    ignores_dates: bool = False
    confirmed_at: datetime | None = None
    erasing_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A deletion that was given up, and why."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Suspension:
    """The suspension of an account by an operator. Its user is shown the reason."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Account:
    """A user who can sign in.

    `normal_email` is unique. It is stored and not computed, because its rule has changed once.

    Attributes:
        language: the language of letters, if the user has chosen one.
        has_common_password: whether the password is one of the most used ones.
        credentials_version: counts the changes of the address and the password.
        verified_at: when the user proved that letters to the address arrive.
        verification_requested_at: when the user last asked for the letter of the proof.
        requested_email: the address to change to, once it is verified.
        former_email: the address before the last change.
        password_reset_at: when a letter was last used to choose a new password.
        passkey_added_at: when a passkey was last added; `passkey_removed_at` likewise.
        closing: its deletion, once that has begun.
        kept: its last deletion that was given up.
        role: what the user may do beside others, such as `operator`.
        suspension: why the user may not list, order or pay, if an operator decided so.
        unknown_device_at: when a browser that had not signed in before last signed in.
    """

    id: str
    version: int
    email: str
    normal_email: str
    password_hash: str
    created_at: datetime
    sessions_end: SessionsEnd | None = None
    language: str | None = None
    has_common_password: bool = False
    credentials_version: int = 0
    verified_at: datetime | None = None
    verification_requested_at: datetime | None = None
    requested_email: EmailAt | None = None
    former_email: EmailAt | None = None
    password_changed_at: datetime | None = None
    notices_read_at: datetime | None = None
    password_reset_at: datetime | None = None
    second_factor: SecondFactor = field(default_factory=SecondFactor)
    passkey_added_at: datetime | None = None
    passkey_removed_at: datetime | None = None
    closing: Closing | None = None
    kept: Kept | None = None
    role: str | None = None
    suspension: Suspension | None = None
    unknown_device_at: datetime | None = None

    def rehash(self, old: str, new: str) -> Change["Account"]:
        """Replace the hash `old` by `new`, unless it was replaced already."""
        if self.password_hash != old:
            return Change(self)
        return Change(replace(self, password_hash=new, version=self.version + 1))

    def end_sessions(self, *, before: datetime, now: datetime) -> Change["Account"]:
        """End all sessions that started before a time, with one event for all of them."""
        if self.sessions_end is not None and before <= self.sessions_end.before:
            return Change(self)
        end = SessionsEnd(before, now + REVOCATION_TTL)
        after = replace(self, version=self.version + 1, sessions_end=end)
        return Change(after, tuple(filter(None, (after.to_event(),))))

    def record_unknown_device(self, now: datetime) -> Change["Account"]:
        """Record the sign-in of a browser that had not signed in before.

        Several of them within a minute are one fact, and so one letter.
        """
        last = self.unknown_device_at
        if last is not None and now < last + UNKNOWN_DEVICE_INTERVAL:
            return Change(self)
        return replace(self, unknown_device_at=now).as_next_version()

    def choose_language(self, language: str) -> Change["Account"]:
        """Set the language of letters."""
        if self.language == language:
            return Change(self)
        return Change(replace(self, version=self.version + 1, language=language))

    def read_notices(self, now: datetime) -> Change["Account"]:
        """Record that the user has read the notices until now."""
        return Change(replace(self, version=self.version + 1, notices_read_at=now))

    def to_event(self) -> AllSessionsRevoked | None:
        """Return the event of the last end of all sessions, if there was one."""
        end = self.sessions_end
        if end is None:
            return None
        return AllSessionsRevoked(user_id=self.id, before=end.before, until=end.until)

    def to_user_event(self) -> UserUpdated:
        """Return the public state of the account, which contains no address."""
        return UserUpdated(
            id=self.id,
            version=self.version,
            created_at=self.created_at,
            verified=self.verified_at is not None,
            verification_requested_at=self.verification_requested_at,
            password_changed_at=self.password_changed_at,
            email_requested_at=self.requested_email and self.requested_email.at,
            email_changed_at=self.former_email and self.former_email.at,
            passkey_added_at=self.passkey_added_at,
            passkey_removed_at=self.passkey_removed_at,
            second_factor_removal_at=self.second_factor.removal_at,
            closing=self.closing is not None,
            closing_at=self.closing and self.closing.at,
            kept_at=self.kept and self.kept.at,
            signed_in_from_unknown_device_at=self.unknown_device_at,
        )

    def as_next_version(self, ended: AllSessionsRevoked | None = None) -> Change["Account"]:
        """Return the next version of an account that has changed, with its events."""
        after = replace(self, version=self.version + 1)
        return Change(after, (after.to_user_event(), *([ended] if ended else [])))

    def has_ended(self, session: Session) -> bool:
        """Return whether the session was ended together with all others of its time."""
        return self.sessions_end is not None and session.created_at < self.sessions_end.before

    def next_session_start(self, now: datetime) -> datetime:
        """Return when a session starts now, which is never before the last end of all sessions.

        The clocks of two replicas differ.
        """
        return now if self.sessions_end is None else max(now, self.sessions_end.before)

    def end_of_sessions(self, now: datetime) -> datetime:
        """Return a time after the start of every present session."""
        earliest = now + CLOCK_STEP
        if self.sessions_end is None:
            return earliest
        return max(earliest, self.sessions_end.before + CLOCK_STEP)


def create_account(
    account_id: str,
    *,
    email: str,
    password_hash: str,
    now: datetime,
    language: str | None = None,
    has_common_password: bool = False,
) -> Change[Account]:
    """Create an account without a session."""
    account = Account(
        account_id,
        0,
        email,
        normalize_email(email),
        password_hash,
        now,
        language=language,
        has_common_password=has_common_password,
    )
    event = UserCreated(id=account.id, version=0, created_at=now, verified=False)
    return Change(account, (event,))
