"""Pytest plugin: a service on real servers, with a database and a namespace of its own per test."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar, cast
from uuid import uuid4

import httpx
import pytest
import uvicorn
import uvloop
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from pydantic import SecretStr
from pymongo import MongoClient

from common.auth.tokens import AccessTokens, User
from common.events import Event, stream_of
from common.messaging import bus
from common.messaging.bus import Bus
from common.messaging.envelope import EventEnvelope
from common.settings import ServiceSettings
from common.values.clock import utc_now
from common.values.ids import new_id

JWT_KEY: Final = "a signing key that only the tests know"
DEFAULT_TIMEOUT_SECONDS: Final = 10.0
"""Seconds that a condition gets to come true before a test fails."""

S = TypeVar("S", bound=ServiceSettings)
E = TypeVar("E", bound=Event)
V = TypeVar("V")


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Test on the event loop that uvicorn runs the services on."""
    return {"uvloop": uvloop.new_event_loop}


class FakeClock:
    """A clock that stands where a test puts it."""

    def __init__(self, now: datetime | None = None) -> None:
        self.now = now or datetime(2030, 1, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        """Move on, by `timedelta`'s words."""
        self.now += timedelta(**by)


async def eventually(
    check: Callable[[], Awaitable[V]], timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
) -> V:
    """Wait until the check gives something true, and give that; fail with its last answer."""
    deadline = asyncio.get_running_loop().time() + timeout_seconds
    while True:
        result = await check()
        if result:
            return result
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"did not come true in {timeout_seconds} s: {result!r}")
        await asyncio.sleep(0.01)


class EventProbe:
    """What has been published in this test's namespace, read back from the streams."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus

    async def all(self, event: type[E]) -> list[E]:
        """Every stored event of this kind, oldest first."""
        stream = self.bus.connection.stream(stream_of(event))
        info = await self.bus.connection.js.stream_info(stream)
        found: list[E] = []
        for sequence in range(info.state.first_seq or 1, info.state.last_seq + 1):
            raw = await self.bus.connection.js.get_msg(stream, seq=sequence)
            if raw.subject == self.bus.connection.subject(event.subject):
                found.append(event.model_validate_json(raw.data or b""))
        return found

    async def next(self, event: type[E], count: int = 1) -> E:
        """Wait until that many events of this kind are there; give the last of them."""

        async def enough() -> list[E]:
            found = await self.all(event)
            return found if len(found) >= count else []

        return (await eventually(enough))[count - 1]

    async def publish(self, event: Event, *, aggregate_id: str, event_id: str = "") -> None:
        """Publish an event as another service would."""
        await self.bus.publish(
            EventEnvelope(
                id=event_id or uuid4().hex,
                subject=event.subject,
                data=event.model_dump_json().encode(),
                aggregate_id=aggregate_id,
                occurred_at=utc_now(),
            )
        )

    async def wait_until_handled(self, durable: str) -> None:
        """Wait until a service's consumer has acknowledged everything there is."""
        stream = durable.partition("-")[2]

        last = (
            await self.bus.connection.js.stream_info(self.bus.connection.stream(stream))
        ).state.last_seq

        async def done() -> bool:
            info = await self.bus.connection.js.consumer_info(
                self.bus.connection.stream(stream), durable
            )
            delivered = info.delivered.stream_seq if info.delivered else 0  # pending lags behind it
            return delivered >= last and not info.num_pending and not info.num_ack_pending

        await eventually(done)

    async def dead_letters(self) -> list[dict[str, Any]]:
        """Every dead letter, as its reason, its consumer and its body."""
        stream = self.bus.connection.stream("dead-letters")
        info = await self.bus.connection.js.stream_info(stream)
        found: list[dict[str, Any]] = []
        for sequence in range(info.state.first_seq or 1, info.state.last_seq + 1):
            raw = await self.bus.connection.js.get_msg(stream, seq=sequence)
            headers = cast(dict[str, str], raw.headers or {})
            found.append({"subject": raw.subject, "reason": headers.get("Dead-Reason")})
        return found


class Client(httpx.AsyncClient):
    """An HTTP client of one service, which can be signed in as anybody."""

    def __init__(self, app: FastAPI, clock: Callable[[], datetime] = utc_now) -> None:
        super().__init__(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False),
            base_url="http://ticketing.test",
        )
        self.app = app
        self.clock = clock

    def sign_in(self, user: User | None = None) -> User:
        """Send the cookie of this user, or of a new one, from now on."""
        user = user or make_user()
        self.cookies.set("session", session_cookie(user, self.clock))
        return user

    def sign_out(self) -> None:
        """Send no cookie any more."""
        self.cookies.clear()


def make_user() -> User:
    """Make up a user."""
    user_id = new_id()
    return User(id=user_id, email=f"{user_id}@example.com", session_id=new_id())


def session_cookie(user: User, clock: Callable[[], datetime] = utc_now) -> str:
    """Sign the access token that auth would give this user."""
    return AccessTokens(SecretStr(JWT_KEY), None, clock).issue(user)


def errors(response: httpx.Response) -> list[dict[str, str]]:
    """Read an error in the one shape, and check that it is that shape and nothing else."""
    body = response.json()
    assert set(body) == {"errors"}, body
    assert body["errors"], body
    for error in body["errors"]:
        assert {"message"} <= set(error), error
    return body["errors"]


@pytest.fixture
def namespace() -> str:
    """A prefix for streams, subjects and databases that no other test has."""
    return f"t{uuid4().hex[:12]}"


@pytest.fixture(scope="module")
def drop_database_later(mongo_url: str) -> Generator[Callable[[str], object]]:
    """Drop databases aside: each waits for its turn in the journal, up to a tenth of a second."""
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
    """The URI of a database of this test's own; gone afterwards."""
    base, _, query = mongo_url.partition("?")
    yield f"{base.rstrip('/')}/{namespace}?{query}"
    drop_database_later(namespace)


@pytest.fixture
async def published(nats_url: str, namespace: str) -> AsyncGenerator[EventProbe]:
    """What is published in this test's namespace; its streams are gone afterwards."""
    async with bus.connect(nats_url, "tests", namespace=namespace) as connected:
        yield EventProbe(connected)
        for info in await connected.connection.js.streams_info():
            if (info.config.name or "").startswith(f"{namespace}-"):
                await connected.connection.js.delete_stream(info.config.name or "")


@pytest.fixture
def environment(mongo_uri: str, nats_url: str, namespace: str) -> dict[str, Any]:
    """The settings that every service takes, pointing at this test's own part of the servers."""
    return {
        "mongo_uri": mongo_uri,
        "nats_url": nats_url,
        "namespace": namespace,
        "jwt_key": JWT_KEY,
        "cookie_secure": False,
        "log_format": "console",
        "log_level": "WARNING",
    }


Serve = Callable[[FastAPI], Awaitable[Client]]


@contextlib.asynccontextmanager
async def serve_over_tcp(app: FastAPI) -> AsyncGenerator[str]:
    """Serve an app by uvicorn on a free port; give its address. For what must be streamed."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=2))
        serving = asyncio.create_task(server.serve([sock]))

        async def started() -> bool:
            return server.started or serving.done()

        await eventually(started, 30)
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        server.should_exit = True
        await serving


async def sse_events(response: httpx.Response) -> AsyncGenerator[dict[str, str]]:
    """Read server-sent events one by one, as fields."""
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif fields:
            yield fields
            fields = {}


@pytest.fixture
async def serve(published: EventProbe, mongo_uri: str) -> AsyncGenerator[Serve]:
    """Start an app as uvicorn would, and give a client of it; stopped afterwards."""
    assert published  # the namespace's streams outlive the apps
    assert mongo_uri  # and so does the database
    async with AsyncExitStack() as stack:

        async def start(app: FastAPI) -> Client:
            await stack.enter_async_context(LifespanManager(app, startup_timeout=30))
            return await stack.enter_async_context(Client(app))

        yield start
