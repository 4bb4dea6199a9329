"""The environment variables of the expiration service, read by the app and the worker."""

from typing import Annotated

from pydantic import Field, SecretStr, StringConstraints

from common.settings import ServiceSettings


class Settings(ServiceSettings):
    """Settings of the expiration service."""

    redis_url: Annotated[str, StringConstraints(pattern=r"^(redis|rediss|unix)://")]
    """The Redis that stores the timers, `redis://host:port/database`, without a password."""
    redis_password: SecretStr = SecretStr("")
    """Its password. Empty connects as the URL says."""
    expiration_sweep_seconds: Annotated[float, Field(gt=0, le=60)] = 1
    """Sweep interval. An order without a timer expires late by up to 1.25 intervals."""
