"""What the auth lifespan opens for its routes."""

from dataclasses import dataclass

from fastapi import Request

from auth.cookies import SessionCookies
from auth.service import AuthService
from common.lifecycle import ServiceState


@dataclass(frozen=True, kw_only=True, slots=True)
class State(ServiceState):
    """The open parts of the auth service."""

    auth: AuthService
    cookies: SessionCookies


def state_of(request: Request) -> State:
    """Return the state of the service that serves this request."""
    state: State = request.app.state.service
    return state
