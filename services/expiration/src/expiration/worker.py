"""Creates the app of the worker: the expiration jobs, and nothing else, so that it scales alone."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from common.app import Service
from common.values.clock import Clock
from expiration.jobs import run_worker
from expiration.settings import Settings
from expiration.state import State, open_state


def create_app(settings: Settings | None = None, clock: Clock | None = None) -> FastAPI:
    """Create the app. uvicorn calls this, so importing the module reads no environment."""
    settings = settings or Settings.from_environment()
    service = Service.from_settings("expiration", settings, clock)

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[State]:
        async with (
            open_state(service, settings) as state,
            run_worker(state.expirations, settings),
        ):
            yield state

    return service.app(lifespan)
