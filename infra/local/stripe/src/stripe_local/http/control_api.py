"""The routes below /_local, which tests and operators use and Stripe does not have.

They need a header that a page of another site cannot send, because the browser asks first and this
server does not allow it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import stripe
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from stripe_local.documents import public
from stripe_local.faults import Faults, InvalidFault
from stripe_local.http.idempotency import IdempotencyKeys
from stripe_local.resources.webhook_endpoints import configure
from stripe_local.settings import Settings
from stripe_local.store import Store
from stripe_local.webhooks.delivery_queue import Deliveries

CONTROL_HEADERS: Final = {"X-Stripe-Local": "1"}
_MAX_PAGE_SIZE = 1000
_Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class ControlApi:
    """The control API."""

    store: Store
    keys: IdempotencyKeys
    deliveries: Deliveries
    faults: Faults
    settings: Settings

    def routes(self) -> list[Route]:
        """Return the routes below /_local, except for the authentication of a payment."""
        health = Route("/_local/health", self._health)
        if not self.settings.has_control_api:
            return [health]
        endpoints: list[tuple[str, str, _Endpoint]] = [
            ("GET", "faults", self._list_faults),
            ("POST", "faults", self._add_fault),
            ("DELETE", "faults", self._clear_faults),
            ("GET", "deliveries", self._list_deliveries),
            ("GET", "objects", self._list_objects),
            ("GET", "objects/{id}", self._show_object),
            ("DELETE", "data", self._clear_data),
        ]
        return [
            health,
            *(
                Route(f"/_local/{path}", _require_header(endpoint), methods=[method])
                for method, path, endpoint in endpoints
            ),
        ]

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"api_version": stripe.api_version, "objects": self.store.counts()})

    async def _list_faults(self, _: Request) -> Response:
        return JSONResponse(self.faults.to_documents())

    async def _add_fault(self, request: Request) -> Response:
        try:
            self.faults.add(await request.json())
        except ValueError as error:  # InvalidFault, or not JSON
            kind = "fault" if isinstance(error, InvalidFault) else "JSON"
            return JSONResponse({"error": f"not a {kind}: {error}"}, 400)
        return JSONResponse(self.faults.to_documents(), 201)

    async def _clear_faults(self, request: Request) -> Response:
        self.faults.clear(request.query_params.get("match"))
        return JSONResponse([])

    async def _list_deliveries(self, request: Request) -> Response:
        after, limit = _page_params(request)
        rows = self.deliveries.recent(after, limit)
        next_id = rows[-1]["id"] if len(rows) == limit else None
        return JSONResponse({"data": rows, "next": next_id})

    async def _list_objects(self, request: Request) -> Response:
        after, limit = _page_params(request)
        found = self.store.list_after(request.query_params.get("type", ""), after, limit)
        next_seq = found[-1][0] if len(found) == limit else None
        return JSONResponse({"data": [public(document) for _, document in found], "next": next_seq})

    async def _show_object(self, request: Request) -> Response:
        document = self.store.get(request.path_params["id"])
        return JSONResponse(public(document) if document else None, 200 if document else 404)

    async def _clear_data(self, _: Request) -> Response:
        with self.store.transaction():
            for part in (self.store, self.keys, self.deliveries):
                part.clear()
            configure(self.store, self.settings)
        self.faults.clear()
        return Response(status_code=204)


def _require_header(endpoint: _Endpoint) -> _Endpoint:
    async def guarded(request: Request) -> Response:
        if any(name not in request.headers for name in CONTROL_HEADERS):
            return JSONResponse({"error": "the header X-Stripe-Local: 1 is missing"}, 403)
        return await endpoint(request)

    return guarded


def _page_params(request: Request) -> tuple[int, int]:
    after, limit = request.query_params.get("after", "0"), request.query_params.get("limit", "")
    return (
        int(after) if after.isdigit() else 0,
        min(int(limit), _MAX_PAGE_SIZE) if limit.isdigit() and int(limit) else _MAX_PAGE_SIZE,
    )
