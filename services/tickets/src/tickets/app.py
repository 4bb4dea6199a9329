"""Creates the tickets app."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from common.app import Service
from common.background import run_periodically
from common.values.clock import Clock
from common.web.response_cache import ResponseCache
from common.web.sse import EventBroadcaster
from tickets import api
from tickets.api import State
from tickets.cache import PARAMETERS, TicketCache
from tickets.listeners import listeners, sse_handlers
from tickets.service import TicketService
from tickets.settings import Settings
from tickets.store import search_maintenance
from tickets.store.search_maintenance import SearchMaintenance
from tickets.store.tickets import DOCUMENTS, TicketStore


def create_app(settings: Settings | None = None, clock: Clock | None = None) -> FastAPI:
    """Create the app. uvicorn calls this, so importing the module reads no environment."""
    service = Service.from_settings("tickets", settings or Settings.from_environment(), clock)
    response_cache = ResponseCache(parameters=PARAMETERS)
    cache = TicketCache(response_cache)

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[State]:
        async with service.open(DOCUMENTS) as running:
            store = TicketStore(running.relay, running.clock, cache.on_written)
            tickets = TicketService(store, running.clock)
            broadcaster = EventBroadcaster(max_per_network=running.settings.address_connections)
            maintenance = SearchMaintenance(running.database, running.clock)
            async with (
                running.broadcasting(broadcaster, sse_handlers(broadcaster, cache)),
                running.consuming(listeners(tickets)),
                run_periodically(
                    search_maintenance.INTERVAL_SECONDS, maintenance.run, name="search maintenance"
                ),
            ):
                yield State(
                    running=running,
                    snapshot_events=tickets.snapshot_events,
                    tickets=tickets,
                    broadcaster=broadcaster,
                )

    return service.app(lifespan, api.router, response_cache=response_cache)
