"""The environment variables of the auth service."""

import re
from typing import Annotated

from pydantic import (
    AfterValidator,
    Field,
    PositiveInt,
    SecretStr,
    StringConstraints,
)

from auth.domain.session import MAX_IDLE
from common.settings import SessionSettings


def _check_letter_key(key: SecretStr) -> SecretStr:
    if not re.fullmatch("[0-9a-f]{64}", key.get_secret_value()):
        raise ValueError("must have 64 hex digits, in lower case")
    return key


PublicUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^/\s]+/?$")]
LetterKey = Annotated[SecretStr, AfterValidator(_check_letter_key)]
"""Authenticates the links in letters. A new one invalidates those that were sent."""


class Settings(SessionSettings):
    """Settings of the auth service."""

    letter_key: LetterKey
    public_url: PublicUrl = "https://ticketing.dev"
    """The address of the web client: passkeys are valid for its host, on its pages only."""
    password_memory_kib: Annotated[int, Field(ge=8)] = 19 * 1024
    """The cost of one hash, by default the minimum of OWASP's Password Storage Cheat Sheet."""
    password_iterations: PositiveInt = 2
    password_parallelism: PositiveInt = 1
    password_threads: PositiveInt = 2
    """Concurrent hashes. More than the number of CPU cores has no benefit."""
    password_queue: Annotated[int, Field(ge=0)] = 64
    """Hashes that may wait for a thread. Requests beyond that get 503. One address may use a
    quarter of the threads and the queue together; beyond that it gets 429."""

    refresh_grace_seconds: Annotated[float, Field(ge=0, le=60)] = 10
    """How long a rotated refresh token is still accepted, for a second tab or a lost response."""

    session_idle_days: Annotated[float, Field(gt=0)] = MAX_IDLE.days
    """After how many days without use a session can no longer be refreshed."""

    sign_ins_per_account_and_address: PositiveInt = 10
    """Attempts of one address to sign in to one account, whatever their outcome."""
    sign_ins_per_known_browser: PositiveInt = 10
    """The same for a browser that has signed in to the account before, whatever its address."""
    sign_ins_per_account: PositiveInt = 50
    """Attempts of all addresses together to sign in to one account. Known browsers are counted
    apart, here and for the address."""
    sign_ins_per_address: PositiveInt = 1_000
    """Attempts of one address, such as that of a campus, to sign in to any account."""
    sign_ups_per_address: PositiveInt = 500
    letters_per_account: PositiveInt = 5
    """Letters that a user asks for, and letters to reset the password of one address."""
    resets_per_address: PositiveInt = 50
    """Letters to reset a password that one address asks for."""
    throttle_seconds: PositiveInt = 15 * 60
    """The window in which these attempts are counted."""

    deletion_wait_seconds: Annotated[float, Field(ge=6)] = 10
    """How long the deletion of an account waits for events that could stop it. That of a payment
    which has just begun may be five seconds late (docs/decisions/0066-deferred-events.md)."""
