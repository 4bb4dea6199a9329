"""Tests of a service that waits before it is open: alive, not ready, and stopped at once."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import pytest
from asgi_lifespan import LifespanManager
from fastapi import APIRouter, FastAPI

from common.app import Service
from common.lifecycle import ServiceState
from common.settings import ServiceSettings
from common.testing.client import Client, errors
from common.testing.polling import TIMEOUT_SECONDS, eventually

CreateApp = Callable[..., FastAPI]


@pytest.fixture
def create_app(settings: ServiceSettings, published: object) -> CreateApp:
    """Create a service with one route that opens when the event is set."""
    assert published  # deletes the streams after the service has closed
    router = APIRouter()

    @router.get("/api/tickets/hello")
    async def hello() -> str:
        return "hello"

    def create(may_open: asyncio.Event) -> FastAPI:
        service = Service.from_settings("tickets", settings)

        @asynccontextmanager
        async def lifespan() -> AsyncGenerator[ServiceState]:
            await may_open.wait()
            async with service.open([]) as running:
                yield ServiceState(running=running)

        return service.app(lifespan, router)

    return create


async def test_service_is_alive_but_not_ready_until_it_is_open(create_app: CreateApp) -> None:
    app = create_app(may_open := asyncio.Event())
    async with LifespanManager(app, TIMEOUT_SECONDS, TIMEOUT_SECONDS), Client(app) as client:
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/metrics")).status_code == 200

        may_open.set()

        async def is_ready() -> bool:
            return (await client.get("/readyz")).status_code == 200

        await eventually(is_ready)


async def test_route_of_a_service_that_is_not_open_is_503(create_app: CreateApp) -> None:
    app = create_app(may_open := asyncio.Event())
    async with LifespanManager(app, TIMEOUT_SECONDS, TIMEOUT_SECONDS), Client(app) as client:
        response = await client.get("/api/tickets/hello")

        assert (response.status_code, response.headers["retry-after"]) == (503, "1")
        assert errors(response) == [{"message": "Starting, try again"}]

        may_open.set()
        await app.state.opened.wait()
        assert (await client.get("/api/tickets/hello")).json() == "hello"


async def test_service_that_waits_stops_at_once(create_app: CreateApp) -> None:
    async with LifespanManager(create_app(asyncio.Event()), TIMEOUT_SECONDS, TIMEOUT_SECONDS):
        pass
