"""Rules of accounts: who can sign in, and what of an account can change.

A link in a letter is valid for one hour, and only for the address and the password that the account
had when the letter was written. Each change of either increments `credentials_version`, so that one
comparison refuses a link that was used, or that is older than such a change.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from auth.domain.revocation import REVOCATION_TTL
from auth.domain.second_factor import SecondFactor
from auth.domain.session import Session
from auth.emails import normalize_email
from common.change import Change
from common.errors import BadRequest
from common.events import AllSessionsRevoked, UserCreated, UserUpdated

INVALID_LINK: Final = "This link was used already, has expired, or is incomplete"
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

    def request_verification(self, now: datetime) -> Change["Account"]:
        """Ask for another letter that verifies the address.

        Raises:
            BadRequest: the address is verified.
        """
        if self.verified_at is not None:
            raise BadRequest("Your email address is confirmed already")
        return self._published(replace(self, verification_requested_at=now))

    def verify(self, credentials_version: int, now: datetime) -> Change["Account"]:
        """Record that the address was verified by a link of these credentials.

        Raises:
            BadRequest: the link is no longer valid.
        """
        if self.verified_at is not None or self.credentials_version != credentials_version:
            raise BadRequest(INVALID_LINK)
        return self._published(replace(self, verified_at=now))

    def change_password(
        self, password_hash: str, *, is_common: bool, now: datetime
    ) -> Change["Account"]:
        """Replace the password, end all sessions, and give up a change of the address."""
        changed = replace(
            self,
            password_hash=password_hash,
            has_common_password=is_common,
            credentials_version=self.credentials_version + 1,
            requested_email=None,
            password_changed_at=now,
            sessions_end=SessionsEnd(self.end_of_sessions(now), now + REVOCATION_TTL),
        )
        return self._published(changed, changed.to_event())

    def record_unknown_device(self, now: datetime) -> Change["Account"]:
        """Record the sign-in of a browser that had not signed in before.

        Several of them within a minute are one fact, and so one letter.
        """
        last = self.unknown_device_at
        if last is not None and now < last + UNKNOWN_DEVICE_INTERVAL:
            return Change(self)
        return self._published(replace(self, unknown_device_at=now))

    def reset_password(
        self, password_hash: str, credentials_version: int, now: datetime
    ) -> Change["Account"]:
        """Replace a forgotten password by a link of these credentials, which verifies the address.

        Raises:
            BadRequest: the link is no longer valid.
        """
        if self.credentials_version != credentials_version:
            raise BadRequest(INVALID_LINK)
        verified = replace(self, verified_at=self.verified_at or now, password_reset_at=now)
        return verified.change_password(password_hash, is_common=False, now=now)

    def request_email(self, email: str, now: datetime) -> Change["Account"]:
        """Ask for a change of the address. It changes when the new one is verified.

        Raises:
            BadRequest: it is the present address, or the account is protected.
        """
        self._require_unprotected(now)
        if email == self.email:
            raise BadRequest("This is your email address already", field="email")
        earlier = self.requested_email
        at = now if earlier is None else max(now, earlier.at + CLOCK_STEP)  # a letter for each
        return self._published(replace(self, requested_email=EmailAt(email, at)))

    def change_email(
        self, email: str, credentials_version: int, now: datetime
    ) -> Change["Account"]:
        """Change the address to the requested one, which a link to it has verified.

        Raises:
            BadRequest: the link is no longer valid.
        """
        self._require_unprotected(now)
        requested = self.requested_email
        is_valid = self.credentials_version == credentials_version
        if not is_valid or requested is None or requested.email != email:
            raise BadRequest(INVALID_LINK)
        return self._published(
            replace(
                self,
                email=email,
                normal_email=normalize_email(email),
                credentials_version=self.credentials_version + 1,
                verified_at=now,
                requested_email=None,
                former_email=EmailAt(self.email, now),
            )
        )

    def record_passkey_added(self, now: datetime) -> Change["Account"]:
        """Record that a passkey is added, so that the user gets a letter."""
        return self._published(replace(self, passkey_added_at=now))

    def record_passkey_removed(self, now: datetime) -> Change["Account"]:
        """Record that a passkey is removed, so that the user gets a letter."""
        return self._published(replace(self, passkey_removed_at=now))

    def change_second_factor(
        self, change: Callable[[SecondFactor], SecondFactor]
    ) -> Change["Account"]:
        """Change what signing in asks for besides the password."""
        second_factor = change(self.second_factor)
        if second_factor == self.second_factor:
            return Change(self)
        return self._published(replace(self, second_factor=second_factor))

    def announce_removal(self, now: datetime) -> Change["Account"]:
        """Announce the removal of the second factor, after a reset of the present password."""
        is_reset = self.password_reset_at == self.password_changed_at
        reset_at = self.password_reset_at if is_reset else None
        return self.change_second_factor(
            lambda current: current.announce_removal(now, password_reset_at=reset_at)
        )

    def protected_until(self, now: datetime) -> datetime | None:
        """Return until when the address cannot change, because a removal is announced."""
        return self.second_factor.pending_removal(now)

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

    def has_ended(self, session: Session) -> bool:
        """Return whether the session was ended together with all others of its time."""
        return self.sessions_end is not None and session.created_at < self.sessions_end.before

    def next_session_start(self, now: datetime) -> datetime:
        """Return when a session starts now, which is never before the last end of all sessions.

        The clocks of two replicas differ.
        """
        return now if self.sessions_end is None else max(now, self.sessions_end.before)

    def _require_unprotected(self, now: datetime) -> None:
        if self.protected_until(now) is not None:
            raise BadRequest("Your address cannot change while your second step is being removed")

    def end_of_sessions(self, now: datetime) -> datetime:
        """Return a time after the start of every present session."""
        earliest = now + CLOCK_STEP
        if self.sessions_end is None:
            return earliest
        return max(earliest, self.sessions_end.before + CLOCK_STEP)

    def _published(
        self, changed: "Account", ended: AllSessionsRevoked | None = None
    ) -> Change["Account"]:
        after = replace(changed, version=self.version + 1)
        return Change(after, (after.to_user_event(), *([ended] if ended else [])))


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
