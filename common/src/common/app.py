"""How a service is put together: what it runs on, its lifespan, its middleware."""

import gc
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Final

import structlog
from beanie import Document
from fastapi import APIRouter, FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.datastructures import Headers
from starlette.types import Scope

from common.apidocs import openapi_completion
from common.auth.revocations import Revocations
from common.auth.tokens import AccessTokens, cookie_name, user_from_cookie
from common.lifecycle import RunningService, ServiceState, on_stop_signal
from common.messaging import bus
from common.observability import tracing
from common.observability.logging import configure_logging
from common.operations.health import health_router
from common.persistence import mongo
from common.persistence.mongo import AggregateDocument
from common.persistence.outbox import Relay
from common.settings import ServiceSettings
from common.values.clock import Clock, utc_now
from common.web.authentication import AuthenticationMiddleware
from common.web.errors import BodyLimitMiddleware, register_exception_handlers
from common.web.idempotency import IdempotencyRecord
from common.web.instrumentation import RequestInstrumentationMiddleware
from common.web.load_shedding import ConcurrencyLimitMiddleware
from common.web.response_cache import ResponseCache
from common.web.response_cache_middleware import ResponseCacheMiddleware

log = structlog.get_logger("app")

TELEMETRY_DISABLED: Final[TelemetryConfig] = {"tracing": False, "metrics": False, "logs": False}
"""`Observed` tells of each request; to ask FastAPI whether it should too costs 4 µs a request."""


def tune_garbage_collector() -> None:
    """Have the garbage collector leave alone what lives as long as the process.

    Requests leave next to no cycles behind; at Python's own threshold it ran every few requests,
    over everything that the start had made.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@dataclass(frozen=True, slots=True)
class Service:
    """A service before it runs: its name, its settings, its clock, who may ask it."""

    name: str
    settings: ServiceSettings
    clock: Clock
    tokens: AccessTokens
    revocations: Revocations

    @classmethod
    def from_settings(
        cls, name: str, settings: ServiceSettings, clock: Clock | None = None
    ) -> "Service":
        """Take the settings and the clock; nothing is opened yet."""
        clock = clock or utc_now
        configure_logging(name, log_format=settings.log_format, level=settings.log_level)
        if settings.otel_exporter_otlp_endpoint:
            from common.observability.otel import OtelTracer  # noqa: PLC0415 - 20 MB only if needed

            tracing.use(OtelTracer(name))
        return cls(
            name=name,
            settings=settings,
            clock=clock,
            tokens=AccessTokens(settings.jwt_key, settings.jwt_key_previous, clock),
            revocations=Revocations(clock),
        )

    @asynccontextmanager
    async def open(self, documents: Sequence[type[Document]]) -> AsyncGenerator[RunningService]:
        """Open the database and the bus, relay the outboxes, hear of ended sessions.

        Left in the order that loses nothing: the bus closes after the relay has published what
        the last requests wrote.
        """
        settings = self.settings
        stop_requested = threading.Event()
        aggregates = [d for d in documents if issubclass(d, AggregateDocument)]
        async with (
            mongo.connect(settings.mongo_uri, [*documents, IdempotencyRecord]) as database,
            bus.connect(
                settings.nats_url,
                self.name,
                namespace=settings.namespace,
                replicas=settings.nats_replicas,
                transient_errors=mongo.UNAVAILABLE_ERRORS,
            ) as event_bus,
        ):
            collection_names = [document.get_collection_name() for document in aggregates]
            relay = Relay(event_bus, database, collection_names, self.clock)
            relay.start()
            try:
                await self.revocations.subscribe(event_bus)
                tune_garbage_collector()
                log.info("service started")
                with on_stop_signal(stop_requested.set, settings.lame_duck_seconds):
                    yield RunningService(
                        database,
                        event_bus,
                        relay,
                        self.clock,
                        settings,
                        self.revocations,
                        stop_requested,
                    )
            finally:
                await event_bus.drain(settings.drain_seconds)
                await relay.stop(settings.drain_seconds)
                log.info("service stopped")

    def _session_user_id(self, scope: Scope) -> str | None:
        cookie = cookie_name("session", secure=self.settings.cookie_secure)
        user = user_from_cookie(Headers(scope=scope), cookie, self.tokens)
        return user.id if user else None

    def app(
        self,
        lifespan: Callable[[], AbstractAsyncContextManager[ServiceState]],
        *routers: APIRouter,
        route: str | None = None,
        response_cache: ResponseCache | None = None,
    ) -> FastAPI:
        """Make the FastAPI app: the routes of the service, and what all services have.

        Args:
            lifespan: opens the service and yields its state.
            routers: its routes.
            route: the first path segments of its API, such as `/api/orders`; its OpenAPI
                document is served below it.
            response_cache: where the answers of its public reads are kept, if it has such.
        """
        api_prefix = route or f"/api/{self.name}"

        @asynccontextmanager
        async def set_state(app: FastAPI) -> AsyncGenerator[None]:
            async with lifespan() as state:
                app.state.service = state
                yield

        app = FastAPI(
            title=f"Ticketing: {self.name}",
            version="1.0.0",
            lifespan=set_state,
            openapi_url=f"{api_prefix}/openapi.json",
            docs_url=f"{api_prefix}/docs",
            redoc_url=None,
            redirect_slashes=False,
            telemetry=TELEMETRY_DISABLED,
        )
        default_openapi = app.openapi
        app.openapi = lambda: (
            app.openapi_schema or openapi_completion.add_common_responses(default_openapi())
        )
        for router in (*routers, health_router):
            # Not include_router: FastAPI would look through an included one twice a request.
            app.router.routes.extend(router.routes)
        register_exception_handlers(app)
        app.add_middleware(
            AuthenticationMiddleware,
            tokens=self.tokens,
            revocations=self.revocations,
            secure=self.settings.cookie_secure,
        )
        app.add_middleware(BodyLimitMiddleware)
        app.add_middleware(
            ConcurrencyLimitMiddleware, max_in_flight=self.settings.max_in_flight_requests
        )
        if response_cache is not None:
            app.add_middleware(
                ResponseCacheMiddleware,
                cache=response_cache,
                paths=f"{api_prefix}(/[0-9a-f]{{24}})?",
                user_id_of=self._session_user_id,
            )
        app.add_middleware(RequestInstrumentationMiddleware)
        return app
