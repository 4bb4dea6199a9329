"""Fixtures: one expiration service and one Redis database per test."""

import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from bson import ObjectId
from pymongo import AsyncMongoClient
from redis.asyncio import Redis

from common.app import Service
from common.testing.client import Client
from common.testing.clock import FakeClock
from common.testing.plugin import Serve
from common.values.clock import Clock
from expiration import worker
from expiration.app import create_app
from expiration.service import ExpirationService
from expiration.settings import Settings
from expiration.store import DeadlineDocument, DeadlineStore
from expiration.timers import connect

Expiration = Callable[..., Awaitable[Client]]
OpenService = Callable[..., AbstractAsyncContextManager[ExpirationService]]

_databases = itertools.count(1)


@pytest.fixture
def settings(environment: dict[str, Any], redis_url: str) -> Settings:
    """Settings with a short sweep interval."""
    url = f"{redis_url}/{next(_databases)}"
    return Settings(**environment, redis_url=url, expiration_sweep_seconds=0.2)


@pytest.fixture
def settings_without_sweep(settings: Settings) -> Settings:
    """Settings with a sweep interval longer than any test."""
    return settings.model_copy(update={"expiration_sweep_seconds": 60})


@pytest.fixture
def expiration(serve: Serve) -> Expiration:
    """Start the service with its listeners and sweeper."""

    async def start(settings: Settings, clock: Clock | None = None) -> Client:
        return await serve(create_app(settings, clock))

    return start


@pytest.fixture
def start_worker(serve: Serve) -> Expiration:
    """Start the worker."""

    async def start(settings: Settings, clock: Clock | None = None) -> Client:
        return await serve(worker.create_app(settings, clock))

    return start


@asynccontextmanager
async def _open_service(
    settings: Settings, clock: Clock | None = None
) -> AsyncGenerator[ExpirationService]:
    """Open the application service without listeners and sweeper."""
    service = Service.from_settings("expiration", settings, clock)
    async with (
        service.open([DeadlineDocument]) as running,
        connect(settings) as timers,
    ):
        store = DeadlineStore(running.relay, running.clock)
        yield ExpirationService(store, timers, running.clock)


@pytest.fixture
def open_service() -> OpenService:
    """Open the application service without listeners and sweeper."""
    return _open_service


@pytest.fixture
def clock() -> FakeClock:
    """A clock that tests advance."""
    return FakeClock()


@pytest.fixture
async def expirations(
    settings_without_sweep: Settings, clock: FakeClock
) -> AsyncGenerator[ExpirationService]:
    """The application service without listeners and sweeper, on the fake clock."""
    async with _open_service(settings_without_sweep, clock) as expirations:
        yield expirations


@pytest.fixture
async def redis(settings: Settings) -> AsyncGenerator[Redis]:
    """The Redis database of this test."""
    async with Redis.from_url(settings.redis_url) as connection:
        yield connection


FindDeadline = Callable[[str], Awaitable[dict[str, Any] | None]]


@pytest.fixture
async def find_deadline(mongo_uri: str) -> AsyncGenerator[FindDeadline]:
    """Read the stored document of a deadline."""
    async with AsyncMongoClient[dict[str, Any]](mongo_uri) as client:
        collection = client.get_default_database()["deadlines"]

        async def read(order_id: str) -> dict[str, Any] | None:
            return await collection.find_one({"_id": ObjectId(order_id)})

        yield read
