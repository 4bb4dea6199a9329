"""Auth, put together."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing

from fastapi import FastAPI

from auth import api
from auth.cookies import Cookies
from auth.passwords import Passwords
from auth.service import Auth
from auth.settings import Settings
from auth.store import (
    AccountDocument,
    AccountStore,
    SessionDocument,
    SessionStore,
    ThrottleDocument,
    ThrottleStore,
)
from common.apidocs import routes
from common.app import Service
from common.values.clock import Clock


def create(settings: Settings | None = None, clock: Clock | None = None) -> FastAPI:
    """Make the app; uvicorn and the tests call this."""
    settings = settings or Settings.from_environment()
    service = Service.configured("auth", settings, clock)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        documents = [AccountDocument, SessionDocument, ThrottleDocument]
        async with service.running(documents) as running:
            with closing(Passwords.configured(settings)) as passwords:
                auth = Auth(
                    settings=settings,
                    accounts=AccountStore(running.relay, running.clock),
                    sessions=SessionStore(running.relay, running.clock),
                    throttle=ThrottleStore(running.clock, settings.throttle_seconds),
                    passwords=passwords,
                    tokens=service.tokens,
                    revocations=service.revocations,
                    clock=running.clock,
                )
                app.state.auth, app.state.rebuild = auth, auth.states
                app.state.cookies = Cookies(secure=settings.cookie_secure)
                app.state.trusted_proxies = settings.trusted_proxies
                app.state.running = running
                yield

    return service.app(lifespan, api.router, routes.router, route="/api/users")
