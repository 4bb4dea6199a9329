"""What the auth lifespan opens for its routes."""

from dataclasses import dataclass

from auth.cookies import SessionCookies
from auth.service import AuthService
from common.lifecycle import ServiceState


@dataclass(frozen=True, kw_only=True, slots=True)
class State(ServiceState):
    """The open parts of the auth service."""

    auth: AuthService
    cookies: SessionCookies
