"""Expiration, put together: the listeners and the sweep. The worker is in `expiration.jobs`."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from common.app import Service
from common.persistence.lease import Lease
from common.values.clock import Clock
from expiration.listeners import listeners
from expiration.service import ExpirationService
from expiration.settings import Settings
from expiration.store import DeadlineDocument, DeadlineStore
from expiration.sweeper import LEASE_TTL, run_sweeper
from expiration.timers import connect


def create_app(settings: Settings | None = None, clock: Clock | None = None) -> FastAPI:
    """Make the app; uvicorn and the tests call this."""
    settings = settings or Settings.from_environment()
    service = Service.from_settings("expiration", settings, clock)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with (
            service.open([DeadlineDocument]) as running,
            connect(settings) as timers,
        ):
            expirations = ExpirationService(
                DeadlineStore(running.relay, running.clock), timers, running.clock
            )
            app.state.expirations, app.state.rebuild = expirations, expirations.snapshot_events
            lease = Lease(running.database, "deadline-sweep", LEASE_TTL, running.clock)
            async with (
                running.consuming(listeners(expirations)),
                run_sweeper(expirations, lease, settings.expiration_sweep_seconds),
            ):
                app.state.running = running
                yield

    return service.app(lifespan)
