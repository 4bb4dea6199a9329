"""Composes a service: its connections, its lifespan and its middleware."""

import asyncio
import gc
import re
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
from common.apidocs.routes import docs_router
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
from common.settings import ServiceSettings, SessionSettings
from common.startup import StartupMiddleware, open_in_background
from common.values.clock import Clock, utc_now
from common.web.authentication import AuthenticationMiddleware
from common.web.errors import register_exception_handlers
from common.web.fair_queue import FairQueueMiddleware
from common.web.head_requests import HeadMiddleware
from common.web.idempotency import IdempotencyRecord
from common.web.instrumentation import RequestInstrumentationMiddleware
from common.web.load_shedding import (
    ConcurrencyLimit,
    ConcurrencyLimitMiddleware,
    LoadSheddingMiddleware,
)
from common.web.rate_limit import RateLimitMiddleware
from common.web.request_body import RequestBodyMiddleware
from common.web.request_head import RequestHeadMiddleware
from common.web.response_cache import ResponseCache
from common.web.response_cache_middleware import ResponseCacheMiddleware

log = structlog.get_logger("app")

TELEMETRY_DISABLED: Final[TelemetryConfig] = {"tracing": False, "metrics": False, "logs": False}
"""Our own middleware records each request (decision 22)."""


def tune_garbage_collector() -> None:
    """Exclude the objects created at startup from garbage collection, and collect less often.

    Requests create almost no cycles. With Python's default threshold, a collection over all objects
    would run every few requests.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@dataclass(frozen=True, slots=True)
class Service:
    """A configured service that is not open yet."""

    name: str
    settings: ServiceSettings
    clock: Clock
    tokens: AccessTokens | None
    """Verifies sessions; None if the service has no route for users and so no signing key."""
    revocations: Revocations

    @classmethod
    def from_settings(
        cls, name: str, settings: ServiceSettings, clock: Clock | None = None
    ) -> "Service":
        """Configure logging and tracing, and create the service without opening a connection."""
        clock = clock or utc_now
        configure_logging(name, log_format=settings.log_format, level=settings.log_level)
        if settings.otel_exporter_otlp_endpoint:
            from common.observability.otel import OtelTracer  # noqa: PLC0415 - 20 MB only if needed

            tracing.use(OtelTracer(name))
        return cls(
            name=name,
            settings=settings,
            clock=clock,
            tokens=AccessTokens(settings.jwt_key, settings.jwt_key_previous, clock)
            if isinstance(settings, SessionSettings)
            else None,
            revocations=Revocations(clock),
        )

    @asynccontextmanager
    async def open(self, documents: Sequence[type[Document]]) -> AsyncGenerator[RunningService]:
        """Open the database and the bus, start the relay, and subscribe to revoked sessions.

        Shuts down in reverse order: the relay publishes pending events before the bus closes.
        """
        settings = self.settings
        stop_requested = threading.Event()
        aggregates = [d for d in documents if issubclass(d, AggregateDocument)]
        async with (
            mongo.connect(
                settings.mongo_uri,
                [*documents, IdempotencyRecord],
                username=self.name,
                password=settings.mongo_password.get_secret_value(),
            ) as database,
            bus.connect(
                settings.nats_url,
                self.name,
                password=settings.nats_password.get_secret_value(),
                namespace=settings.namespace,
                transient_errors=mongo.UNAVAILABLE_ERRORS,
            ) as event_bus,
        ):
            collection_names = [document.get_collection_name() for document in aggregates]
            relay = Relay(event_bus, database, collection_names, self.clock)
            relay.start()
            try:
                if self.tokens is not None:
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
        if self.tokens is None:
            return None
        cookie = cookie_name("session", secure=self.settings.cookie_secure)
        user = user_from_cookie(Headers(scope=scope), cookie, self.tokens)
        return user.id if user else None

    def app(
        self,
        lifespan: Callable[[], AbstractAsyncContextManager[ServiceState]],
        *routers: APIRouter,
        route: str | None = None,
        response_cache: ResponseCache | None = None,
        has_fair_queue: bool = False,
        read_by_route: re.Pattern[str] | None = None,
    ) -> FastAPI:
        """Create the FastAPI app with the service's routes and the common middleware.

        Args:
            lifespan: opens the service and yields its state.
            routers: the service's routes.
            route: the path prefix of its API, `/api/<name>` by default. Its OpenAPI document is
                served below it.
            response_cache: the cache of its public reads, if it has any.
            has_fair_queue: whether the networks of its clients take turns, which makes batches
                smaller.
            read_by_route: the requests whose routes read their bodies themselves
                (`RequestBodyMiddleware`).
        """
        api_prefix = route or f"/api/{self.name}"

        app = FastAPI(
            title=f"Ticketing: {self.name}",
            version="1.0.0",
            lifespan=lambda app: open_in_background(app, lifespan),
            openapi_url=f"{api_prefix}/openapi.json",
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            telemetry=TELEMETRY_DISABLED,
        )
        app.state.opened = asyncio.Event()
        default_openapi = app.openapi
        app.openapi = lambda: (
            app.openapi_schema or openapi_completion.add_common_responses(default_openapi())
        )
        docs = docs_router(f"{api_prefix}/docs", f"{api_prefix}/openapi.json", app.title)
        for router in (docs, *routers, health_router):
            # Not include_router: FastAPI would match an included router twice per request.
            app.router.routes.extend(router.routes)
        register_exception_handlers(app)
        if has_fair_queue:
            app.add_middleware(FairQueueMiddleware)
        self._add_middleware(app, read_by_route)
        if response_cache is not None:
            app.add_middleware(
                ResponseCacheMiddleware,
                cache=response_cache,
                paths=f"{api_prefix}(/shows)?(/[0-9a-f]{{24}})?",
                user_id_of=self._session_user_id,
            )
        app.add_middleware(HeadMiddleware)
        app.add_middleware(RequestHeadMiddleware)
        app.add_middleware(
            RateLimitMiddleware,
            rate=self.settings.address_requests_per_second,
            burst=self.settings.address_burst,
            trusted_proxies=self.settings.trusted_proxies,
        )
        app.add_middleware(RequestInstrumentationMiddleware)
        return app

    def _add_middleware(self, app: FastAPI, read_by_route: re.Pattern[str] | None) -> None:
        """Add what a request passes after the response cache. The last one added is the first."""
        settings = self.settings
        limit = ConcurrencyLimit(
            max_in_flight=settings.max_in_flight_requests,
            max_per_network=settings.address_connections,
        )
        app.add_middleware(ConcurrencyLimitMiddleware, limit=limit)
        app.add_middleware(
            RequestBodyMiddleware,
            timeout_seconds=settings.body_timeout_seconds,
            read_by_route=read_by_route,
        )
        if self.tokens is not None:
            app.add_middleware(
                AuthenticationMiddleware,
                routes=app.router.routes,
                tokens=self.tokens,
                revocations=self.revocations,
                secure=settings.cookie_secure,
            )
        app.add_middleware(LoadSheddingMiddleware, limit=limit)
        app.add_middleware(StartupMiddleware, is_open=app.state.opened.is_set)
