"""What the orders lifespan opens for its routes."""

from dataclasses import dataclass

from common.lifecycle import ServiceState
from common.web.sse import EventBroadcaster
from orders.service import OrderService


@dataclass(frozen=True, kw_only=True, slots=True)
class State(ServiceState):
    """The open parts of the orders service."""

    orders: OrderService
    broadcaster: EventBroadcaster
