"""The ASGI app, made of its parts."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from stripe_local.connect.pages import HostedPages
from stripe_local.due import settle_due
from stripe_local.faults import Faults
from stripe_local.http.control_api import ControlApi
from stripe_local.http.disconnect import DisconnectMiddleware
from stripe_local.http.endpoint import CORS, Api
from stripe_local.http.idempotency import IdempotencyKeys
from stripe_local.ledger import Ledger
from stripe_local.resources.call import Call
from stripe_local.resources.webhook_endpoints import configure
from stripe_local.settings import Settings
from stripe_local.store import Store
from stripe_local.stripe_js import routes
from stripe_local.webhooks.delivery_queue import Deliveries
from stripe_local.webhooks.events import Events
from stripe_local.webhooks.sender import WebhookSender

_DUE_POLL_SECONDS = 0.1
_PRUNE_INTERVAL_SECONDS = 60.0


def create_app(database: str, settings: Settings | None = None) -> ASGIApp:
    """Create the app and open its SQLite file (or ":memory:")."""
    settings = settings or Settings()
    store = Store(database)
    ledger = Ledger(store)
    keys = IdempotencyKeys(store, settings.idempotency_retention_seconds)
    deliveries = Deliveries(store)
    faults = Faults()
    events = Events(store, deliveries, faults)
    configure(store, settings)
    call = Call(store, ledger, events, settings)
    sender = WebhookSender(store, deliveries, events, settings)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        tasks = [
            asyncio.create_task(sender.run()),
            asyncio.create_task(_settle(call)),
            asyncio.create_task(_prune(keys, deliveries, settings)),
        ]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        store.close()

    app = Starlette(
        routes=[
            *Api(store, ledger, keys, events, faults, settings).routes(),
            *ControlApi(call, keys, deliveries, faults).routes(),
            *HostedPages(call).routes(),
            *routes.routes(),
        ],
        lifespan=lifespan,
        exception_handlers={404: _not_found, 405: _not_found},
    )
    return DisconnectMiddleware(app)


async def _settle(call: Call) -> None:
    while True:
        settle_due(call)
        await asyncio.sleep(_DUE_POLL_SECONDS)


async def _prune(keys: IdempotencyKeys, deliveries: Deliveries, settings: Settings) -> None:
    while True:
        keys.prune()
        deliveries.prune(settings.delivery_retention_seconds)
        await asyncio.sleep(_PRUNE_INTERVAL_SECONDS)


async def _not_found(request: Request, exception: Exception) -> Response:
    message = (
        f"Unrecognized request URL ({request.method}: {request.url.path}): this local server has "
        "no such method."
    )
    status = exception.status_code if isinstance(exception, HTTPException) else 404
    error = {"type": "invalid_request_error", "message": message}
    return JSONResponse({"error": error}, 404 if status == 405 else status, CORS)  # noqa: PLR2004  # as Stripe answers
