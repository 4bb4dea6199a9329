"""Auth, put together."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing

from fastapi import FastAPI

from auth import api
from auth.cookies import SessionCookies
from auth.passwords import PasswordHasher
from auth.service import AuthService
from auth.settings import Settings
from auth.store import (
    AccountDocument,
    AccountStore,
    AttemptLimiter,
    SessionDocument,
    SessionStore,
    ThrottleDocument,
)
from common.apidocs import routes
from common.app import Service
from common.values.clock import Clock


def create_app(settings: Settings | None = None, clock: Clock | None = None) -> FastAPI:
    """Make the app; uvicorn and the tests call this."""
    settings = settings or Settings.from_environment()
    service = Service.from_settings("auth", settings, clock)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        documents = [AccountDocument, SessionDocument, ThrottleDocument]
        async with service.open(documents) as running:
            with closing(PasswordHasher.from_settings(settings)) as passwords:
                auth = AuthService(
                    settings=settings,
                    accounts=AccountStore(running.relay, running.clock),
                    sessions=SessionStore(running.relay, running.clock),
                    attempt_limiter=AttemptLimiter(running.clock, settings.throttle_seconds),
                    passwords=passwords,
                    tokens=service.tokens,
                    revocations=service.revocations,
                    clock=running.clock,
                )
                app.state.auth, app.state.rebuild = auth, auth.snapshot_events
                app.state.cookies = SessionCookies(secure=settings.cookie_secure)
                app.state.trusted_proxies = settings.trusted_proxies
                app.state.running = running
                yield

    return service.app(lifespan, api.router, routes.router, route="/api/users")
