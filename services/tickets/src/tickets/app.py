"""Tickets, put together."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from common.app import Service
from common.values.clock import Clock
from common.web.response_cache import Recent
from common.web.sse import Feed
from tickets import api
from tickets.cache import TicketCache
from tickets.listeners import listeners, screens
from tickets.service import Tickets
from tickets.settings import Settings
from tickets.store import TicketDocument, TicketStore


def create(settings: Settings | None = None, clock: Clock | None = None) -> FastAPI:
    """Make the app; uvicorn and the tests call this."""
    service = Service.configured("tickets", settings or Settings.from_environment(), clock)
    recent = Recent()
    cache = TicketCache(recent)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with service.running([TicketDocument]) as running:
            store = TicketStore(running.relay, running.clock, cache.on_written)
            tickets = Tickets(store, running.clock)
            app.state.tickets, app.state.rebuild = tickets, tickets.states
            app.state.feed = feed = Feed()
            async with (
                running.showing(feed, screens(feed, cache)),
                running.listening(listeners(tickets)),
            ):
                app.state.running = running
                yield

    return service.app(lifespan, api.router, recent=recent)
