"""Orders, put together."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI

from common.app import Service
from common.values.clock import Clock
from common.web.sse import Feed
from orders import api
from orders.listeners import listeners, screens
from orders.service import Orders
from orders.settings import Settings
from orders.store import OrderDocument, OrderStore, TicketReplica, TicketReplicas


def create(settings: Settings | None = None, clock: Clock | None = None) -> FastAPI:
    """Make the app; uvicorn and the tests call this."""
    settings = settings or Settings.from_environment()
    service = Service.configured("orders", settings, clock)
    window = timedelta(seconds=settings.order_expiration_seconds)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with service.running([OrderDocument, TicketReplica]) as running:
            store = OrderStore(running.relay, running.clock)
            orders = Orders(store, TicketReplicas(), running.clock, window)
            app.state.orders, app.state.rebuild = orders, orders.states
            app.state.feed = feed = Feed()
            async with (
                running.showing(feed, screens(feed)),
                running.listening(listeners(orders)),
            ):
                app.state.running = running
                yield

    return service.app(lifespan, api.router)
