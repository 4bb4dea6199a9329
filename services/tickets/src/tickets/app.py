"""Tickets, put together."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Response

from common.app import Service
from common.values.clock import Clock
from common.web.response_cache import Recent
from common.web.sse import Feed
from tickets import api
from tickets.domain import Ticket
from tickets.early_locks import Heard
from tickets.listeners import listeners, passing, screens
from tickets.schemas import path_of
from tickets.service import Tickets
from tickets.settings import Settings
from tickets.store import TicketDocument, TicketStore


def create(settings: Settings | None = None, clock: Clock | None = None) -> FastAPI:
    """Make the app; uvicorn and the tests call this."""
    service = Service.configured("tickets", settings or Settings.from_environment(), clock)
    recent, heard = Recent(), Heard()

    def shown(ticket: Ticket) -> Response:
        return api.shown(heard.seen(ticket))

    def wrote(ticket: Ticket, began: float | None) -> None:
        path = path_of(ticket.id)
        if began is None:
            recent.changed(path)
        else:
            recent.replace(path, began, ticket, shown)
        recent.wrote(ticket.user_id)  # nobody else writes it by hand

    def show_anew(ticket_id: str) -> None:
        recent.amend(path_of(ticket_id), shown)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with service.running([TicketDocument]) as running:
            store = TicketStore(running.relay, running.clock, wrote)
            tickets = Tickets(store, heard, running.clock)
            app.state.tickets, app.state.rebuild = tickets, tickets.states
            app.state.feed = feed = Feed()
            await running.bus.overhear(passing(tickets, show_anew))
            async with (
                running.showing(feed, screens(feed, recent)),
                running.listening(listeners(tickets)),
            ):
                app.state.running = running
                yield

    return service.app(lifespan, api.router, recent=recent)
