"""Creates the orders app."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from fastapi import FastAPI

from common.app import Service
from common.persistence.lease import Lease
from common.values.clock import Clock
from common.web.sse import EventBroadcaster
from orders import api, export_api
from orders.api import State
from orders.listeners import listeners, sse_handlers
from orders.service import OrderService
from orders.settings import Settings
from orders.store.known_portions import KnownPortions, KnownPortionsDocument
from orders.store.orders import OrderDocument, OrderStore
from orders.store.ticket_replicas import TicketReplica, TicketReplicas
from orders.sweeper import LEASE_TTL, run_sweeper
from orders.user_deletion import UserDeletion

DOCUMENTS: Final = (OrderDocument, TicketReplica, KnownPortionsDocument)


def create_app(settings: Settings | None = None, clock: Clock | None = None) -> FastAPI:
    """Create the app. uvicorn calls this, so importing the module reads no environment."""
    settings = settings or Settings.from_environment()
    service = Service.from_settings("orders", settings, clock)
    window = timedelta(seconds=settings.order_expiration_seconds)

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[State]:
        async with service.open(DOCUMENTS) as running:
            store = OrderStore(running.relay, running.clock)
            tickets = TicketReplicas()
            portions = KnownPortions(running.clock)
            deletion = UserDeletion(store, tickets, portions, running.bus, running.clock)
            orders = OrderService(
                store,
                tickets,
                running.clock,
                window=window,
                limit=settings.order_limit,
            )
            broadcaster = EventBroadcaster(max_per_network=running.settings.address_connections)
            lease = Lease(running.database, "overdue-order-sweep", LEASE_TTL, running.clock)
            async with (
                running.broadcasting(broadcaster, sse_handlers(broadcaster)),
                running.consuming(listeners(orders, deletion)),
                run_sweeper(orders, lease, running.clock),
            ):
                yield State(
                    running=running,
                    snapshot_events=orders.snapshot_events,
                    orders=orders,
                    broadcaster=broadcaster,
                )

    return service.app(lifespan, export_api.router, api.router)
