"""Orders, put together."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI

from common.app import Service
from common.values.clock import Clock
from common.web.sse import EventBroadcaster
from orders import api
from orders.listeners import listeners, sse_handlers
from orders.service import OrderService
from orders.settings import Settings
from orders.store import OrderDocument, OrderStore, TicketReplica, TicketReplicas


def create_app(settings: Settings | None = None, clock: Clock | None = None) -> FastAPI:
    """Make the app; uvicorn and the tests call this."""
    settings = settings or Settings.from_environment()
    service = Service.from_settings("orders", settings, clock)
    window = timedelta(seconds=settings.order_expiration_seconds)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with service.open([OrderDocument, TicketReplica]) as running:
            store = OrderStore(running.relay, running.clock)
            orders = OrderService(store, TicketReplicas(), running.clock, window)
            app.state.orders, app.state.rebuild = orders, orders.snapshot_events
            app.state.feed = broadcaster = EventBroadcaster()
            async with (
                running.broadcasting(broadcaster, sse_handlers(broadcaster)),
                running.consuming(listeners(orders)),
            ):
                app.state.running = running
                yield

    return service.app(lifespan, api.router)
