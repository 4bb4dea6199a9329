"""Stripe's API over HTTP: API keys, idempotency keys, faults, and the call."""

import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from http import HTTPStatus

import stripe
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from stripe_local.connect.route_table import CONNECT_OPERATIONS
from stripe_local.documents import Document, new_id, public, to_json
from stripe_local.errors import CardError, RequestRejected, StripeError, invalid
from stripe_local.faults import Fault, Faults
from stripe_local.http.api_keys import authenticate
from stripe_local.http.disconnect import DisconnectResponse
from stripe_local.http.idempotency import Claim, IdempotencyKeys, StoredResponse
from stripe_local.http.params import decode_form, validate
from stripe_local.ledger import Ledger
from stripe_local.resources.call import Call, Operation
from stripe_local.resources.listing import expand_fields
from stripe_local.resources.route_table import OPERATIONS
from stripe_local.settings import Settings
from stripe_local.store import Store
from stripe_local.webhooks.events import Cause, Events

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, DELETE",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Expose-Headers": "Request-Id, Idempotent-Replayed, Original-Request",
}
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Api:
    """The endpoints of the API on one store."""

    store: Store
    ledger: Ledger
    keys: IdempotencyKeys
    events: Events
    faults: Faults
    settings: Settings

    def routes(self) -> list[Route]:
        """Return a route for each operation, and one for preflight requests of browsers."""
        calls = [
            Route(operation.path, self._endpoint(operation), methods=[operation.method])
            for operation in (*OPERATIONS, *CONNECT_OPERATIONS)
        ]
        return [*calls, Route("/v1/{path:path}", _preflight, methods=["OPTIONS"])]

    def _endpoint(self, operation: Operation) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            form = (await request.body()).decode(errors="replace")
            fault = self.faults.consume(f"{request.method} {request.url.path}")
            if fault and fault.action != "hold" and fault.seconds:
                await self.faults.delay(fault)
            if fault and fault.action == "drop_before":
                return DisconnectResponse()
            request_id = new_id("req_", 14)
            try:
                response = await self._handle(operation, request, form, fault, request_id)
            except RequestRejected as error:
                response = _to_http_response(_error_response(error, request_id), request_id)
            return DisconnectResponse() if fault and fault.action == "drop_after" else response

        return endpoint

    async def _handle(
        self,
        operation: Operation,
        request: Request,
        form: str,
        fault: Fault | None,
        request_id: str,
    ) -> Response:
        if fault and fault.action == "status" and not fault.stored:
            return _to_http_response(_injected_error_response(fault, request_id), request_id)
        params = _decode(operation, request, form)
        is_browser = authenticate(request, params, public=operation.public)
        params.pop("key", None)
        account = self._connected_account(operation, request)
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        scope = f"{account}/" if account else ""
        claim = self.keys.claim(f"{scope}{key}", request.url.path, params) if key else None
        if isinstance(claim, StoredResponse):
            return _to_http_response(claim, request_id, replayed=True)
        try:
            if fault and fault.action == "hold":
                await self.faults.delay(fault)
            call = Call(
                self.store,
                self.ledger,
                self.events,
                self.settings,
                request.path_params.get("id", ""),
                params,
                is_browser,
                Cause(request_id, key),
                account,
            )
            return _to_http_response(self._execute(operation, call, claim, fault), request_id)
        finally:
            if claim:
                self.keys.release(claim)

    def _connected_account(self, operation: Operation, request: Request) -> str | None:
        """Return the connected account that the platform makes this call for."""
        account_id = request.headers.get("stripe-account")
        if not account_id:
            return None
        account = self.store.get(account_id, "v2.core.account")
        if account is None or account["closed"]:
            raise RequestRejected(
                403,
                f"The provided key does not have access to account '{account_id}' (or that account "
                "does not exist). Application access may have been revoked.",
                code="account_invalid",
            )
        if not operation.connected:
            raise invalid("This local server does not implement this call for connected accounts.")
        return account_id

    def _execute(
        self, operation: Operation, call: Call, claim: Claim | None, fault: Fault | None
    ) -> StoredResponse:
        """Validate the parameters and run the operation, without an await in between."""
        call, expand = _validate_params(operation, call)
        request_id = call.cause.id or ""
        try:
            with self.store.transaction():
                response = (
                    _injected_error_response(fault, request_id)
                    if fault and fault.action == "status"
                    else self._run(operation, call, expand)
                )
                self._save_response(operation, claim, response)
        except RequestRejected:
            raise
        except StripeError as error:
            response = _error_response(error, request_id)
        except Exception:  # noqa: BLE001  # a bug here must look like an error of Stripe
            _log.exception("%s %s failed", operation.method, operation.path)
            response = _stored_response(
                500, {"error": _api_error("An error occurred here.")}, request_id
            )
        else:
            return response
        # The changes of the call were rolled back; its key still stores the error.
        self._save_response(operation, claim, response)
        return response

    def _run(self, operation: Operation, call: Call, expand: list[str]) -> StoredResponse:
        request_id = call.cause.id or ""
        try:
            result = public(operation.run(call))
        except CardError as error:
            # The failed attempt is kept.
            return _error_response(error, request_id)
        return _stored_response(200, expand_fields(self.store, result, expand), request_id)

    def _save_response(
        self, operation: Operation, claim: Claim | None, response: StoredResponse
    ) -> None:
        # Version 2 of the API runs a call that failed again.
        if claim and not (operation.is_v2 and response.status >= HTTPStatus.BAD_REQUEST):
            self.keys.save(claim, response)


def _decode(operation: Operation, request: Request, body: str) -> Document:
    """Decode parameters: forms, and the JSON bodies of version 2."""
    if not (operation.is_v2 and body):
        return decode_form(request.url.query, body)
    try:
        params = json.loads(body)
    except ValueError:
        params = None
    if not isinstance(params, dict):
        raise invalid("The body of the request is not a JSON object.")
    return {**decode_form(request.url.query), **params}


def _validate_params(operation: Operation, call: Call) -> tuple[Call, list[str]]:
    """Return the call with typed parameters, and the fields to expand in its response."""
    raw_params = dict(call.params)
    # Stripe.js authorizes itself with it; the types of the SDK may lack it.
    client_secret = (
        {"client_secret": raw_params.pop("client_secret", None)} if call.is_browser else {}
    )
    params = validate(raw_params, operation.params_type)
    expand: list[str] = params.pop("expand", None) or []
    for name in params:
        if name not in operation.supported_params:
            raise invalid(f"This local server does not implement the parameter {name}.", name)
    return replace(call, params=params | client_secret), expand


def _stored_response(status: int, body: Document, request_id: str) -> StoredResponse:
    return StoredResponse(status, to_json(body), request_id)


def _error_response(error: StripeError, request_id: str) -> StoredResponse:
    return _stored_response(error.status, {"error": error.body}, request_id)


def _injected_error_response(fault: Fault, request_id: str) -> StoredResponse:
    error = fault.error or _api_error("Injected through /_local/faults.")
    return _stored_response(fault.status, {"error": error}, request_id)


def _api_error(message: str) -> Document:
    return {"type": "api_error", "message": message}


def _to_http_response(
    stored: StoredResponse, request_id: str, *, replayed: bool = False
) -> Response:
    headers = {**CORS, "Request-Id": request_id, "Stripe-Version": stripe.api_version}
    if replayed:
        headers |= {"Idempotent-Replayed": "true", "Original-Request": stored.request_id}
    return Response(stored.body, stored.status, headers, "application/json")


async def _preflight(_: Request) -> Response:
    return Response(status_code=204, headers=CORS)
