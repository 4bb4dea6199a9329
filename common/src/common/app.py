"""How a service is put together: what it runs on, its lifespan, its middleware, its health."""

import asyncio
import gc
import signal
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Final

import structlog
from beanie import Document
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from fastapi.telemetry import TelemetryConfig
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError
from starlette.datastructures import Headers
from starlette.types import Scope

from common import bus, contract, mongo, telemetry, tracing
from common.admission import Admission
from common.auth import AccessTokens, Authentication, Revocations, bearer, cookie_name
from common.bus import Bus, Handlers
from common.clock import Clock, utc_now
from common.gauges import Gauges
from common.http import BodyLimit, failure_response, handle_errors
from common.idempotency import IdempotencyRecord
from common.live import Feed
from common.mongo import AggregateDocument
from common.observed import Observed
from common.outbox import Doc, Relay
from common.recent import Recent, RecentAnswers
from common.settings import ServiceSettings

log = structlog.get_logger("app")

Handler = Callable[[int, FrameType | None], object]
UNTOLD: Final[TelemetryConfig] = {"tracing": False, "metrics": False, "logs": False}
"""`Observed` tells of each request; to ask FastAPI whether it should too costs 4 µs a request."""


@dataclass(frozen=True, slots=True)
class Running:
    """What a running service stands on: its database, the bus, the relay of its outboxes."""

    database: AsyncDatabase[Doc]
    bus: Bus
    relay: Relay
    clock: Clock
    drain_seconds: float
    told_to_stop: threading.Event

    @asynccontextmanager
    async def showing(self, feed: Feed, heard: Handlers) -> AsyncGenerator[None]:
        """Show what this service publishes, from any of its replicas, to the screens looking on."""
        await self.bus.follow(self.bus.service, heard)
        async with feed.beating():
            with on_stop_signal(feed.close):
                yield

    @asynccontextmanager
    async def listening(self, heard: Handlers) -> AsyncGenerator[None]:
        """Hear these events while the service runs; finish those in hand before it stops."""
        await self.bus.listen(heard)
        try:
            yield
        finally:
            await self.bus.stop_listening(self.drain_seconds)

    async def ready(self) -> bool:
        """Tell whether a request sent now would be served."""
        if self.told_to_stop.is_set() or not (self.bus.healthy and self.relay.alive):
            return False
        try:
            await self.database.command("ping")
        except PyMongoError:
            return False
        return True


def spare_the_collector() -> None:
    """Have the garbage collector leave alone what lives as long as the process.

    Requests leave next to no cycles behind; at Python's own threshold it ran every few requests,
    over everything that the start had made.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@contextmanager
def on_stop_signal(callback: Callable[[], None], notice: float = 0) -> Generator[None]:
    """Call back when the process is told to stop, before uvicorn waits for open responses.

    Args:
        callback: what to do at once.
        notice: seconds in which uvicorn is not told yet, and goes on answering.
    """
    loop = asyncio.get_running_loop()

    def watch(previous: Callable[[int, FrameType | None], object]) -> Handler:
        def handle(number: int, frame: FrameType | None) -> None:
            callback()
            if notice:
                loop.call_soon_threadsafe(loop.call_later, notice, previous, number, None)
            else:
                previous(number, frame)

        return handle

    replaced: dict[signal.Signals, Handler] = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            previous = signal.getsignal(number)
            if callable(previous):
                replaced[number] = previous
                signal.signal(number, watch(previous))
    try:
        yield
    finally:
        for number, previous in replaced.items():
            signal.signal(number, previous)


@dataclass(frozen=True, slots=True)
class Service:
    """A service before it runs: its name, its settings, its clock, who may ask it."""

    name: str
    settings: ServiceSettings
    clock: Clock
    tokens: AccessTokens
    revocations: Revocations

    @classmethod
    def configured(
        cls, name: str, settings: ServiceSettings, clock: Clock | None = None
    ) -> "Service":
        """Take the settings and the clock; nothing is opened yet."""
        clock = clock or utc_now
        telemetry.configure_logging(name, log_format=settings.log_format, level=settings.log_level)
        tracing.configure(name, settings.otel_exporter_otlp_endpoint)
        return cls(
            name=name,
            settings=settings,
            clock=clock,
            tokens=AccessTokens(settings.jwt_key, settings.jwt_key_previous, clock),
            revocations=Revocations(clock),
        )

    @asynccontextmanager
    async def running(self, documents: Sequence[type[Document]]) -> AsyncGenerator[Running]:
        """Open the database and the bus, relay the outboxes, hear of ended sessions.

        Left in the order that loses nothing: the bus closes after the relay has published what
        the last requests wrote.
        """
        settings = self.settings
        told = threading.Event()
        aggregates = [d for d in documents if issubclass(d, AggregateDocument)]
        async with (
            mongo.connected(settings.mongo_uri, [*documents, IdempotencyRecord]) as database,
            bus.connected(
                settings.nats_url,
                self.name,
                namespace=settings.namespace,
                replicas=settings.nats_replicas,
            ) as connected,
        ):
            names = [document.get_collection_name() for document in aggregates]
            relay = Relay(connected, database, names, self.clock)
            relay.start()
            try:
                await self.revocations.follow(connected)
                spare_the_collector()
                log.info("running")
                with on_stop_signal(told.set, settings.stop_notice_seconds):
                    yield Running(
                        database, connected, relay, self.clock, settings.drain_seconds, told
                    )
            finally:
                await connected.stop_listening(settings.drain_seconds)
                await relay.stop(settings.drain_seconds)
                log.info("stopped")

    def _reader(self, scope: Scope) -> str | None:
        cookie = cookie_name("session", secure=self.settings.cookie_secure)
        user = bearer(Headers(scope=scope), cookie, self.tokens)
        return user.id if user else None

    def app(
        self,
        lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]],
        *routers: APIRouter,
        route: str | None = None,
        recent: Recent | None = None,
    ) -> FastAPI:
        """Make the FastAPI app: the routes of the service, and what all services have.

        Args:
            lifespan: opens the service, puts its door and `running` on `app.state`.
            routers: its routes.
            route: the first path segments of its API, such as `/api/orders`; its OpenAPI
                document is served below it.
            recent: where the answers of its public reads are kept, if it has such.
        """
        below = route or f"/api/{self.name}"
        app = FastAPI(
            title=f"Ticketing: {self.name}",
            version="1.0.0",
            lifespan=lifespan,
            openapi_url=f"{below}/openapi.json",
            docs_url=f"{below}/docs",
            redoc_url=None,
            redirect_slashes=False,
            telemetry=UNTOLD,
        )
        written = app.openapi
        app.openapi = lambda: app.openapi_schema or contract.complete(written())
        app.state.revocations = self.revocations
        for router in (*routers, _health()):
            # Not include_router: FastAPI would look through an included one twice a request.
            app.router.routes.extend(router.routes)
        handle_errors(app)
        app.add_middleware(
            Authentication,
            tokens=self.tokens,
            revocations=self.revocations,
            secure=self.settings.cookie_secure,
            refuse=failure_response,
        )
        app.add_middleware(BodyLimit)
        app.add_middleware(Admission, most=self.settings.max_requests)
        if recent is not None:
            app.add_middleware(
                RecentAnswers,
                recent=recent,
                paths=f"{below}(/[0-9a-f]{{24}})?",
                reader=self._reader,
            )
        app.add_middleware(Observed)
        return app


def _health() -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    async def healthz(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        running: Running | None = getattr(request.app.state, "running", None)
        stopping = running is not None and running.told_to_stop.is_set()
        return JSONResponse(
            {"status": "stopping" if stopping else "alive"}, 503 if stopping else 200
        )

    @router.get("/readyz")
    async def readyz(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        running: Running | None = getattr(request.app.state, "running", None)
        ready = running is not None and await running.ready()
        return JSONResponse({"status": "ready" if ready else "not ready"}, 200 if ready else 503)

    @router.get("/metrics")
    async def metrics(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        running: Running | None = getattr(request.app.state, "running", None)
        if running is not None:
            await Gauges(running.bus, running.relay).refresh()
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router
