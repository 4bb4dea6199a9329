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

from stripe_local import clock
from stripe_local.documents import public
from stripe_local.faults import Faults, InvalidFault
from stripe_local.http.connect_control import ConnectControl
from stripe_local.http.idempotency import IdempotencyKeys
from stripe_local.resources.call import Call
from stripe_local.resources.webhook_endpoints import configure
from stripe_local.webhooks.delivery_queue import Deliveries

CONTROL_HEADERS: Final = {"X-Stripe-Local": "1"}
_MAX_PAGE_SIZE = 1000
_Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class ControlApi:
    """The control API."""

    call: Call
    keys: IdempotencyKeys
    deliveries: Deliveries
    faults: Faults

    def routes(self) -> list[Route]:
        """Return the routes below /_local, except for the authentication of a payment."""
        health = Route("/_local/health", self._health)
        if not self.call.settings.has_control_api:
            return [health]
        endpoints: list[tuple[str, str, _Endpoint]] = [
            ("GET", "faults", self._list_faults),
            ("POST", "faults", self._add_fault),
            ("DELETE", "faults", self._clear_faults),
            ("GET", "ledger", self._show_ledger),
            ("GET", "ledger/entries", self._list_ledger_entries),
            ("GET", "deliveries", self._list_deliveries),
            ("GET", "objects", self._list_objects),
            ("GET", "objects/{id}", self._show_object),
            ("DELETE", "data", self._clear_data),
            *ConnectControl(self.call, self.keys).endpoints(),
        ]
        return [
            health,
            *(
                Route(f"/_local/{path}", _require_header(endpoint), methods=[method])
                for method, path, endpoint in endpoints
            ),
        ]

    async def _health(self, _: Request) -> Response:
        return JSONResponse(
            {"api_version": stripe.api_version, "objects": self.call.store.counts()}
        )

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

    async def _show_ledger(self, _: Request) -> Response:
        ledger = self.call.ledger.to_document()
        return JSONResponse(ledger, 200 if ledger["balanced"] else 500)

    async def _list_ledger_entries(self, request: Request) -> Response:
        after, limit = _page_params(request)
        rows = self.call.ledger.entries(after, limit)
        next_id = rows[-1]["id"] if len(rows) == limit else None
        return JSONResponse({"data": rows, "next": next_id})

    async def _list_deliveries(self, request: Request) -> Response:
        after, limit = _page_params(request)
        rows = self.deliveries.recent(after, limit)
        next_id = rows[-1]["id"] if len(rows) == limit else None
        return JSONResponse({"data": rows, "next": next_id})

    async def _list_objects(self, request: Request) -> Response:
        after, limit = _page_params(request)
        found = self.call.store.list_after(request.query_params.get("type", ""), after, limit)
        next_seq = found[-1][0] if len(found) == limit else None
        return JSONResponse({"data": [public(document) for _, document in found], "next": next_seq})

    async def _show_object(self, request: Request) -> Response:
        document = self.call.store.get(request.path_params["id"])
        return JSONResponse(public(document) if document else None, 200 if document else 404)

    async def _clear_data(self, _: Request) -> Response:
        store = self.call.store
        with store.transaction():
            for part in (store, self.call.ledger, self.keys, self.deliveries):
                part.clear()
            clock.reset(store.connection)
            configure(store, self.call.settings)
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
