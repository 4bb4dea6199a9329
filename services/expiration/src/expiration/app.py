"""Creates the expiration app: its listeners and its sweeper. The worker is `expiration.worker`."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from common.app import Service
from common.persistence.lease import Lease
from common.values.clock import Clock
from expiration.listeners import EVENT_INTERVAL_SECONDS, listeners
from expiration.settings import Settings
from expiration.state import State, open_state
from expiration.sweeper import LEASE_TTL, run_sweeper


def create_app(settings: Settings | None = None, clock: Clock | None = None) -> FastAPI:
    """Create the app. uvicorn calls this, so importing the module reads no environment."""
    settings = settings or Settings.from_environment()
    service = Service.from_settings("expiration", settings, clock)

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[State]:
        async with open_state(service, settings) as state:
            running = state.running
            lease = Lease(running.database, "deadline-sweep", LEASE_TTL, running.clock)
            async with (
                running.consuming(
                    listeners(state.expirations), interval_seconds=EVENT_INTERVAL_SECONDS
                ),
                run_sweeper(state.expirations, lease, settings.expiration_sweep_seconds),
            ):
                yield state

    return service.app(lifespan)
