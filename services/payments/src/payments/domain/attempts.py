"""The attempts of a charge."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from payments.domain.stripe_objects import Decline

UNAUTHENTICATED: Final = "payment_intent_authentication_failure"
"""Stripe's code after a buyer failed, or closed, the window of their bank."""
MAX_STORED_ATTEMPTS: Final = 50
"""Attempts of one charge, including those that Stripe never answered; bounds the document."""


class Outcome(StrEnum):
    """The outcome of an attempt."""

    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    INVALID = "invalid"
    ACTION = "requires_action"
    NO_RESULT = "nothing"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to pay. The digest of its token identifies a repeated click."""

    number: int
    started_at: datetime
    token_digest: str
    outcome: Outcome | None = None
    code: str | None = None
    decline_code: str | None = None
    operator_code: str | None = None
    """The true decline code, if the buyer sees another one."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The process that runs the current attempt, and how long others wait for it."""

    owner: str
    until: datetime


def count_with_result(attempts: Sequence[Attempt]) -> int:
    """Count the attempts without those that Stripe never answered."""
    return sum(attempt.outcome is not Outcome.NO_RESULT for attempt in attempts)


def count_for_order(attempts: Sequence[Attempt]) -> int:
    """Count the attempts that use up the limit of their order, which are declines.

    A buyer who closes the window of their bank was not declined. The limits of the account and the
    card, which bound card testing, count such an attempt all the same.
    """
    not_declined = {Outcome.NO_RESULT, Outcome.ACTION}
    return sum(
        attempt.outcome not in not_declined and attempt.code != UNAUTHENTICATED
        for attempt in attempts
    )


def attempt_id(charge_id: str, attempts: Sequence[Attempt]) -> str:
    """Return the id under which the last attempt is counted against the limits on declines.

    An attempt that Stripe never answered and the one that repeats it share their id, so that an
    outage of Stripe does not use up anyone's limit.
    """
    return f"{charge_id}:{count_with_result(attempts)}"


def close_last(
    attempts: Sequence[Attempt], outcome: Outcome, decline: Decline | None = None
) -> tuple[Attempt, ...]:
    """Return the attempts with the outcome of the last one set."""
    if not attempts:
        return ()
    last = replace(
        attempts[-1],
        outcome=outcome,
        code=decline and decline.code,
        decline_code=decline and decline.decline_code,
        operator_code=decline and decline.operator_code,
    )
    return (*attempts[:-1], last)


def token_digest(token: str) -> str:
    """Return the part of a token's hash that is stored in its place."""
    return hashlib.sha256(token.encode()).hexdigest()[:16]
