"""Pytest plugin: services on real servers, with a database and a namespace per test."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import pytest
import uvloop
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from pymongo import MongoClient

from common.messaging import bus
from common.messaging.declarations import declare
from common.persistence import mongo
from common.testing.client import JWT_KEY, Client
from common.testing.events import EventProbe
from common.testing.polling import TIMEOUT_SECONDS

Serve = Callable[[FastAPI], Awaitable[Client]]


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run the tests on uvloop, as uvicorn runs the services."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
def namespace() -> str:
    """Return a unique prefix for streams, subjects and databases."""
    return f"t{uuid4().hex[:12]}"


@pytest.fixture(scope="module")
def drop_database_later(mongo_url: str) -> Generator[Callable[[str], object]]:
    """Drop databases in threads, because each drop waits up to 100 ms for the journal."""
    with (
        MongoClient[dict[str, Any]](mongo_url) as client,
        ThreadPoolExecutor(2, thread_name_prefix="drop") as executor,
    ):
        drops: list[Future[None]] = []
        yield lambda name: drops.append(executor.submit(client.drop_database, name))
        for drop in drops:
            drop.result()


@pytest.fixture
def mongo_uri(
    mongo_url: str, namespace: str, drop_database_later: Callable[[str], object]
) -> Generator[str]:
    """Return the URI of a database that exists for this test only."""
    base, _, query = mongo_url.partition("?")
    yield f"{base.rstrip('/')}/{namespace}?{query}"
    drop_database_later(namespace)


@pytest.fixture
async def published(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[EventProbe]:
    """Read and publish events in the test's namespace. Its streams are deleted afterwards.

    The bus waits long for the ack of an event, which takes seconds on a slow machine.
    """
    monkeypatch.setattr(bus, "PUBLISH_TIMEOUT_SECONDS", TIMEOUT_SECONDS)
    async with bus.connect(nats_url, "tests", namespace=namespace) as connected:
        await declare(connected.connection)
        yield EventProbe(connected)
        for info in await connected.connection.js.streams_info():
            if (info.config.name or "").startswith(f"{namespace}-"):
                await connected.connection.js.delete_stream(info.config.name or "")


@pytest.fixture
def environment(
    mongo_uri: str, nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """Return the settings of all services for this test's database and namespace.

    The services' own limits of time, which would reject requests on a slow machine, are long.
    """
    monkeypatch.setattr(mongo, "OPERATION_TIMEOUT_SECONDS", TIMEOUT_SECONDS)
    monkeypatch.setattr("common.web.idempotency.WAIT_SECONDS", TIMEOUT_SECONDS)
    return {
        "mongo_uri": mongo_uri,
        "nats_url": nats_url,
        "namespace": namespace,
        "jwt_key": JWT_KEY,
        "cookie_secure": False,
        "log_format": "console",
        "log_level": "WARNING",
    }


@pytest.fixture
async def serve(published: EventProbe, mongo_uri: str) -> AsyncGenerator[Serve]:
    """Start apps with their lifespans and return a client of each. They stop afterwards."""
    assert published  # the namespace's streams outlive the apps
    assert mongo_uri  # and so does the database
    async with AsyncExitStack() as stack:

        async def start(app: FastAPI) -> Client:
            lifespan = LifespanManager(app, TIMEOUT_SECONDS, TIMEOUT_SECONDS)
            await stack.enter_async_context(lifespan)
            await asyncio.wait_for(app.state.opened.wait(), TIMEOUT_SECONDS)
            return await stack.enter_async_context(Client(app))

        yield start
