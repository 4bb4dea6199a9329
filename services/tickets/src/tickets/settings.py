"""The environment variables of the tickets service."""

from typing import Annotated

from pydantic import Field

from common.settings import SessionSettings


class Settings(SessionSettings):
    """Settings of the tickets service."""

    listings_per_day: Annotated[int, Field(ge=1)] = 100
    """How many tickets a person may list in a day."""
    shows_per_day: Annotated[int, Field(ge=1)] = 10
    """How many shows a person may add in a day, and how often they may change one."""
    price_cap_percent: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """The highest price, as a share of the face value, which a seller must then enter. Unset, there
    is no cap."""
