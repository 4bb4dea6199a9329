"""What the tickets lifespan opens for its routes."""

from dataclasses import dataclass

from common.lifecycle import ServiceState
from common.web.sse import EventBroadcaster
from tickets.service import TicketService


@dataclass(frozen=True, kw_only=True, slots=True)
class State(ServiceState):
    """The open parts of the tickets service."""

    tickets: TicketService
    broadcaster: EventBroadcaster
