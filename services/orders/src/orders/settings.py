"""What orders reads from its environment."""

from typing import Annotated

from pydantic import Field

from common.settings import ServiceSettings


class Settings(ServiceSettings):
    """The settings of orders."""

    order_expiration_seconds: Annotated[int, Field(ge=1, le=86_400)] = 900
    """How long an order locks its ticket."""
