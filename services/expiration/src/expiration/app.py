"""Expiration, put together: the listeners and the sweep. The worker is in `expiration.jobs`."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from common.app import Service
from common.persistence.lease import Lease
from common.values.clock import Clock
from expiration import timers
from expiration.listeners import listeners
from expiration.service import Expirations
from expiration.settings import Settings
from expiration.store import DeadlineDocument, DeadlineStore
from expiration.sweeper import LEASE, sweeping


def create(settings: Settings | None = None, clock: Clock | None = None) -> FastAPI:
    """Make the app; uvicorn and the tests call this."""
    settings = settings or Settings.from_environment()
    service = Service.configured("expiration", settings, clock)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with (
            service.running([DeadlineDocument]) as running,
            timers.connected(settings) as connected,
        ):
            expirations = Expirations(
                DeadlineStore(running.relay, running.clock), connected, running.clock
            )
            app.state.expirations, app.state.rebuild = expirations, expirations.states
            lease = Lease(running.database, "deadline-sweep", LEASE, running.clock)
            async with (
                running.listening(listeners(expirations)),
                sweeping(expirations, lease, settings.expiration_sweep_seconds),
            ):
                app.state.running = running
                yield

    return service.app(lifespan)
