"""Rules of how a user signs in: with passkeys, and with a second factor after the password."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from auth.domain.account import Account
from auth.domain.second_factor import SecondFactor
from common.change import Change


def record_passkey_added(account: Account, now: datetime) -> Change[Account]:
    """Record that a passkey is added, so that the user gets a letter."""
    return replace(account, passkey_added_at=now).as_next_version()


def record_passkey_removed(account: Account, now: datetime) -> Change[Account]:
    """Record that a passkey is removed, so that the user gets a letter."""
    return replace(account, passkey_removed_at=now).as_next_version()


def change_second_factor(
    account: Account, change: Callable[[SecondFactor], SecondFactor]
) -> Change[Account]:
    """Change what signing in asks for besides the password."""
    second_factor = change(account.second_factor)
    if second_factor == account.second_factor:
        return Change(account)
    return replace(account, second_factor=second_factor).as_next_version()


def announce_removal(account: Account, now: datetime) -> Change[Account]:
    """Announce the removal of the second factor, after a reset of the present password."""
    is_reset = account.password_reset_at == account.password_changed_at
    reset_at = account.password_reset_at if is_reset else None
    return change_second_factor(
        account, lambda current: current.announce_removal(now, password_reset_at=reset_at)
    )
