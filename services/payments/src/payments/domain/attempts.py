"""The attempts of a charge."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from payments.domain.stripe_objects import Decline

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


@dataclass(frozen=True, slots=True)
class Lease:
    """The process that runs the current attempt, and how long others wait for it."""

    owner: str
    until: datetime


def count_with_result(attempts: Sequence[Attempt]) -> int:
    """Count the attempts without those that Stripe never answered."""
    return sum(attempt.outcome is not Outcome.NO_RESULT for attempt in attempts)


def close_last(
    attempts: Sequence[Attempt], outcome: Outcome, decline: Decline | None = None
) -> tuple[Attempt, ...]:
    """Return the attempts with the outcome of the last one set."""
    if not attempts:
        return ()
    code, decline_code = (decline.code, decline.decline_code) if decline else (None, None)
    last = replace(attempts[-1], outcome=outcome, code=code, decline_code=decline_code)
    return (*attempts[:-1], last)


def token_digest(token: str) -> str:
    """Return the part of a token's hash that is stored in its place."""
    return hashlib.sha256(token.encode()).hexdigest()[:16]
