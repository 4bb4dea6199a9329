"""What both apps of expiration open."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from common.app import Service
from common.lifecycle import ServiceState
from expiration.service import ExpirationService
from expiration.settings import Settings
from expiration.store import DeadlineDocument, DeadlineStore
from expiration.timers import connect


@dataclass(frozen=True, kw_only=True, slots=True)
class State(ServiceState):
    """The open parts of the expiration service."""

    expirations: ExpirationService


@asynccontextmanager
async def open_state(service: Service, settings: Settings) -> AsyncGenerator[State]:
    """Open the stores and the timers, and create the application service."""
    async with service.open([DeadlineDocument]) as running, connect(settings) as timers:
        store = DeadlineStore(running.relay, running.clock)
        expirations = ExpirationService(store, timers, running.clock)
        yield State(
            running=running,
            snapshot_events=expirations.snapshot_events,
            expirations=expirations,
        )
