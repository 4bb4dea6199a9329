"""The environment variables of the orders service."""

from typing import Annotated

from pydantic import Field

from common.settings import SessionSettings


class Settings(SessionSettings):
    """Settings of the orders service."""

    order_expiration_seconds: Annotated[int, Field(ge=1, le=86_400)] = 900
    """How long an unpaid order holds its ticket."""
    order_limit: Annotated[int, Field(ge=1, le=100)] = 4
    """How many unpaid orders a buyer may have at a time."""
