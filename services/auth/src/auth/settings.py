"""What auth reads from its environment, beside what all services share."""

from typing import Annotated

from pydantic import Field, PositiveInt

from common.settings import ServiceSettings


class Settings(ServiceSettings):
    """The settings of auth."""

    password_memory_kib: Annotated[int, Field(ge=8)] = 19 * 1024
    """What one hash costs: the least that OWASP's Password Storage Cheat Sheet allows."""
    password_iterations: PositiveInt = 2
    password_parallelism: PositiveInt = 1
    password_threads: PositiveInt = 2
    """Hashes at the same time; more than there are cores gains nothing."""
    password_queue: Annotated[int, Field(ge=0)] = 64
    """Hashes that may wait for a thread; whoever comes beyond is asked to come back."""

    refresh_grace_seconds: Annotated[float, Field(ge=0, le=60)] = 10
    """How long a used refresh token may be shown again: a second tab, or a lost answer."""

    sign_in_failures_per_account: PositiveInt = 10
    sign_in_failures_per_address: PositiveInt = 100
    sign_ups_per_address: PositiveInt = 100
    throttle_seconds: PositiveInt = 15 * 60
    """How long these three are counted."""
    trusted_proxies: Annotated[int, Field(ge=0)] = 1
    """How many of our own proxies add to X-Forwarded-For; 0: nobody in front of us does."""
