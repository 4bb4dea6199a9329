"""Rules of an account's address and password: how they are verified, changed and replaced.

A link in a letter is valid for one hour, and only for the address and the password that the account
had when the letter was written. Each change of either increments `credentials_version`, so that one
comparison refuses a link that was used, or that is older than such a change.
"""

from dataclasses import replace
from datetime import datetime
from typing import Final

from auth.domain.account import CLOCK_STEP, Account, EmailAt, SessionsEnd
from auth.domain.revocation import REVOCATION_TTL
from auth.emails import normalize_email
from common.change import Change
from common.errors import BadRequest

INVALID_LINK: Final = "This link was used already, has expired, or is incomplete"


def request_verification(account: Account, now: datetime) -> Change[Account]:
    """Ask for another letter that verifies the address.

    Raises:
        BadRequest: the address is verified.
    """
    if account.verified_at is not None:
        raise BadRequest("Your email address is confirmed already")
    return replace(account, verification_requested_at=now).as_next_version()


def verify(account: Account, credentials_version: int, now: datetime) -> Change[Account]:
    """Record that the address was verified by a link of these credentials.

    Raises:
        BadRequest: the link is no longer valid.
    """
    if account.verified_at is not None or account.credentials_version != credentials_version:
        raise BadRequest(INVALID_LINK)
    return replace(account, verified_at=now).as_next_version()


def change_password(
    account: Account, password_hash: str, *, is_common: bool, now: datetime
) -> Change[Account]:
    """Replace the password, end all sessions, and give up a change of the address."""
    changed = replace(
        account,
        password_hash=password_hash,
        has_common_password=is_common,
        credentials_version=account.credentials_version + 1,
        requested_email=None,
        password_changed_at=now,
        sessions_end=SessionsEnd(account.end_of_sessions(now), now + REVOCATION_TTL),
    )
    return changed.as_next_version(changed.to_event())


def reset_password(
    account: Account, password_hash: str, credentials_version: int, now: datetime
) -> Change[Account]:
    """Replace a forgotten password by a link of these credentials, which verifies the address.

    Raises:
        BadRequest: the link is no longer valid.
    """
    if account.credentials_version != credentials_version:
        raise BadRequest(INVALID_LINK)
    verified = replace(account, verified_at=account.verified_at or now, password_reset_at=now)
    return change_password(verified, password_hash, is_common=False, now=now)


def request_email(account: Account, email: str, now: datetime) -> Change[Account]:
    """Ask for a change of the address. It changes when the new one is verified.

    Raises:
        BadRequest: it is the present address, or the account is protected.
    """
    _require_unprotected(account, now)
    if email == account.email:
        raise BadRequest("This is your email address already", field="email")
    earlier = account.requested_email
    at = now if earlier is None else max(now, earlier.at + CLOCK_STEP)  # a letter for each
    return replace(account, requested_email=EmailAt(email, at)).as_next_version()


def change_email(
    account: Account, email: str, credentials_version: int, now: datetime
) -> Change[Account]:
    """Change the address to the requested one, which a link to it has verified.

    Raises:
        BadRequest: the link is no longer valid, or the account is protected.
    """
    _require_unprotected(account, now)
    requested = account.requested_email
    is_valid = account.credentials_version == credentials_version
    if not is_valid or requested is None or requested.email != email:
        raise BadRequest(INVALID_LINK)
    changed = replace(
        account,
        email=email,
        normal_email=normalize_email(email),
        credentials_version=account.credentials_version + 1,
        verified_at=now,
        requested_email=None,
        former_email=EmailAt(account.email, now),
    )
    return changed.as_next_version()


def _require_unprotected(account: Account, now: datetime) -> None:
    if account.second_factor.pending_removal(now) is not None:
        raise BadRequest("Your address cannot change while your second step is being removed")
