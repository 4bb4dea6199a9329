"""Rules of what an account may do: its role, and its suspension by an operator.

Each change ends all sessions of the account. Access tokens contain both facts, so the sessions that
start afterwards are the only ones that can have them right.
"""

from dataclasses import replace
from datetime import datetime

from auth.domain.account import Account, Suspension
from common.change import Change
from common.errors import BadRequest


def grant_role(account: Account, role: str, now: datetime) -> Change[Account]:
    """Grant a role to the user.

    Raises:
        BadRequest: the user has it.
    """
    if account.role == role:
        raise BadRequest(f"The user has the role {role} already")
    return _apply_to_all_sessions(replace(account, role=role), now)


def revoke_role(account: Account, now: datetime) -> Change[Account]:
    """Revoke the role of the user.

    Raises:
        BadRequest: the user has none.
    """
    if account.role is None:
        raise BadRequest("The user has no role")
    return _apply_to_all_sessions(replace(account, role=None), now)


def suspend(account: Account, reason: str, now: datetime) -> Change[Account]:
    """Suspend the user, who then cannot list, order or pay, and is shown the reason.

    Raises:
        BadRequest: the account is suspended.
    """
    if account.suspension is not None:
        raise BadRequest("The account is suspended already")
    return _apply_to_all_sessions(replace(account, suspension=Suspension(now, reason)), now)


def reinstate(account: Account, now: datetime) -> Change[Account]:
    """End the suspension.

    Raises:
        BadRequest: the account is not suspended.
    """
    if account.suspension is None:
        raise BadRequest("The account is not suspended")
    return _apply_to_all_sessions(replace(account, suspension=None), now)


def _apply_to_all_sessions(changed: Account, now: datetime) -> Change[Account]:
    return changed.end_sessions(before=changed.end_of_sessions(now), now=now)
