"""What the expiration lifespan opens."""

from dataclasses import dataclass

from common.lifecycle import ServiceState
from expiration.service import ExpirationService


@dataclass(frozen=True, kw_only=True, slots=True)
class State(ServiceState):
    """The open parts of the expiration service."""

    expirations: ExpirationService
