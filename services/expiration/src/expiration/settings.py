"""What expiration reads from its environment; the app and the worker read the same."""

from typing import Annotated

from pydantic import Field, StringConstraints

from common.settings import ServiceSettings

Address = Annotated[str, StringConstraints(pattern=r"^[\w.:-]*:\d+$")]
"""`host:port`; without a host, every address of the machine."""


class Settings(ServiceSettings):
    """The settings of expiration."""

    redis_url: Annotated[str, StringConstraints(pattern=r"^(redis|rediss|unix)://")]
    """Where the alarms are; `redis://host:port/database`."""
    expiration_sweep_seconds: Annotated[float, Field(gt=0, le=60)] = 1
    """How often to look for what no alarm has fired; it is late by that and a quarter more."""
    expiration_metrics_address: Address | None = None
    """Where the worker answers /metrics; unset, it opens no port."""
