"""What expiration reads from its environment; the app and the worker read the same."""

from typing import Annotated

from pydantic import Field, StringConstraints

from common.settings import ServiceSettings


class Settings(ServiceSettings):
    """The settings of expiration."""

    redis_url: Annotated[str, StringConstraints(pattern=r"^(redis|rediss|unix)://")]
    """Where the alarms are; `redis://host:port/database`."""
    expiration_sweep_seconds: Annotated[float, Field(gt=0, le=60)] = 1
    """How often to look for what no alarm has fired; it is late by that and a quarter more."""
    metrics_address: Annotated[str, StringConstraints(pattern=r"^[\w.:-]*:\d+$")] | None = None
    """Where the worker answers /metrics, as `host:port`; unset, it opens no port."""
