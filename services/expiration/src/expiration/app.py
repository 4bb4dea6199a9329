"""Creates the expiration app: its listeners and its sweeper. The worker is `expiration.jobs`."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from common.app import Service
from common.persistence.lease import Lease
from common.values.clock import Clock
from expiration.listeners import listeners
from expiration.service import ExpirationService
from expiration.settings import Settings
from expiration.state import State
from expiration.store import DeadlineDocument, DeadlineStore
from expiration.sweeper import LEASE_TTL, run_sweeper
from expiration.timers import connect


def create_app(settings: Settings | None = None, clock: Clock | None = None) -> FastAPI:
    """Create the app. uvicorn calls this, so importing the module reads no environment."""
    settings = settings or Settings.from_environment()
    service = Service.from_settings("expiration", settings, clock)

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[State]:
        async with service.open([DeadlineDocument]) as running, connect(settings) as timers:
            expirations = ExpirationService(
                DeadlineStore(running.relay, running.clock), timers, running.clock
            )
            lease = Lease(running.database, "deadline-sweep", LEASE_TTL, running.clock)
            async with (
                running.consuming(listeners(expirations)),
                run_sweeper(expirations, lease, settings.expiration_sweep_seconds),
            ):
                yield State(
                    running=running,
                    snapshot_events=expirations.snapshot_events,
                    expirations=expirations,
                )

    return service.app(lifespan)
