"""The environment variables of the tickets service."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from common.settings import SessionSettings


def _check_key(key: SecretStr) -> SecretStr:
    if not re.fullmatch("[0-9a-f]{64}", key.get_secret_value()):
        raise ValueError("must have 64 hex digits, in lower case")
    return key


Key = Annotated[SecretStr, AfterValidator(_check_key)]
"""A key of 32 random bytes, as `openssl rand -hex 32` prints it."""


class Settings(SessionSettings):
    """Settings of the tickets service."""

    vault_key: Key
    """Wraps the key of every file in the vault. Without it, no file can be opened."""
    vault_key_previous: Key | None = None
    """Only opens what it wrapped, during a rotation."""
    fingerprint_key: Key
    """The key of the fingerprints, by which a code that is listed twice is recognized."""
    listings_per_day: Annotated[int, Field(ge=1)] = 100
    """How many tickets a person may list in a day."""
    shows_per_day: Annotated[int, Field(ge=1)] = 10
    """How many shows a person may add in a day, and how often they may change one."""
    uploads_per_day: Annotated[int, Field(ge=1)] = 50
    """How many originals of tickets a person may upload in a day, also incomplete ones."""
    price_cap_percent: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """The highest price, as a share of the face value, which a seller must then enter. Unset, there
    is no cap."""
