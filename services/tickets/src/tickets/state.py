"""What the tickets lifespan opens for its routes."""

from dataclasses import dataclass

from fastapi import Request

from common.lifecycle import ServiceState
from common.web.sse import EventBroadcaster
from tickets.service import TicketService


@dataclass(frozen=True, kw_only=True, slots=True)
class State(ServiceState):
    """The open parts of the tickets service."""

    tickets: TicketService
    broadcaster: EventBroadcaster


def state_of(request: Request) -> State:
    """Return the state of the service that serves this request."""
    state: State = request.app.state.service
    return state
