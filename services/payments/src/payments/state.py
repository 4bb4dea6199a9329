"""What the payments lifespan opens for its routes."""

from dataclasses import dataclass

from common.lifecycle import ServiceState
from payments.attempts import PaymentAttempts
from payments.schemas import ConfigOut
from payments.stripe.gateway import Gateway
from payments.sync import ChargeSync


@dataclass(frozen=True, kw_only=True, slots=True)
class State(ServiceState):
    """The open parts of the payments service."""

    attempts: PaymentAttempts
    sync: ChargeSync
    gateway: Gateway
    config: ConfigOut
