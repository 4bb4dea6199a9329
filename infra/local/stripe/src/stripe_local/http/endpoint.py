"""Stripe's API over HTTP: keys, idempotency, faults, and then the call itself."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import stripe
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from stripe_local.documents import Document, new_id, public, written
from stripe_local.errors import CardError, NotStarted, StripeError, invalid
from stripe_local.faults import Fault, Faults
from stripe_local.http.api_keys import is_browser
from stripe_local.http.disconnect import Hangup
from stripe_local.http.idempotency import Answer, Claim, IdempotencyKeys
from stripe_local.http.params import decode, typed
from stripe_local.resources.call import Call, Operation
from stripe_local.resources.listing import expanded
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
    """The methods of the API on one store."""

    store: Store
    keys: IdempotencyKeys
    events: Events
    faults: Faults
    settings: Settings

    def routes(self) -> list[Route]:
        """One route for each method of the API, and the browser's question before a call."""
        calls = [
            Route(operation.path, self._endpoint(operation), methods=[operation.method])
            for operation in OPERATIONS
        ]
        return [*calls, Route("/v1/{path:path}", _preflight, methods=["OPTIONS"])]

    def _endpoint(self, operation: Operation) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            form = (await request.body()).decode(errors="replace")
            fault = self.faults.take(f"{request.method} {request.url.path}")
            if fault and fault.action != "hold" and fault.seconds:
                await asyncio.sleep(fault.seconds)
            if fault and fault.action == "drop_before":
                return Hangup()
            request_id = new_id("req_", 14)
            try:
                response = await self._answer(operation, request, form, fault, request_id)
            except NotStarted as refusal:
                response = _response(_failure(refusal, request_id), request_id)
            return Hangup() if fault and fault.action == "drop_after" else response

        return endpoint

    async def _answer(
        self,
        operation: Operation,
        request: Request,
        form: str,
        fault: Fault | None,
        request_id: str,
    ) -> Response:
        if fault and fault.action == "status" and not fault.stored:
            return _response(_injected(fault, request_id), request_id)
        params = decode(request.url.query, form)
        browser = is_browser(request, params, public=operation.public)
        params.pop("key", None)
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        claim = self.keys.claim(key, request.url.path, params) if key else None
        if isinstance(claim, Answer):
            return _response(claim, request_id, replayed=True)
        try:
            if fault and fault.action == "hold":
                await asyncio.sleep(fault.seconds)
            call = Call(
                self.store,
                self.events,
                self.settings,
                request.path_params.get("id", ""),
                params,
                browser,
                Cause(request_id, key),
            )
            return _response(self._carry_out(operation, call, claim, fault), request_id)
        finally:
            if claim:
                self.keys.release(claim)

    def _carry_out(
        self, operation: Operation, call: Call, claim: Claim | None, fault: Fault | None
    ) -> Answer:
        """Check the parameters, then act: no await, so nothing else happens in between."""
        call, expand = _checked(operation, call)
        request_id = call.cause.id or ""
        try:
            with self.store.transaction():
                answer = (
                    _injected(fault, request_id)
                    if fault and fault.action == "status"
                    else self._run(operation, call, expand)
                )
                self._remember(claim, answer)
        except NotStarted:
            raise
        except StripeError as refusal:
            answer = _failure(refusal, request_id)
        except Exception:  # noqa: BLE001  # a mistake of ours must look like one of Stripe's
            _log.exception("%s %s failed", operation.method, operation.path)
            answer = _answer(500, {"error": _mishap("An error occurred here.")}, request_id)
        else:
            return answer
        # What the call had changed is taken back; that it was refused is still remembered.
        self._remember(claim, answer)
        return answer

    def _run(self, operation: Operation, call: Call, expand: list[str]) -> Answer:
        request_id = call.cause.id or ""
        try:
            result = public(operation.run(call))
        except CardError as refusal:
            # The attempt happened: what it left behind stays.
            return _failure(refusal, request_id)
        return _answer(200, expanded(self.store, result, expand), request_id)

    def _remember(self, claim: Claim | None, answer: Answer) -> None:
        if claim:
            self.keys.save(claim, answer)


def _checked(operation: Operation, call: Call) -> tuple[Call, list[str]]:
    """The call with typed parameters, and what is to be expanded in its answer."""
    given = dict(call.params)
    # Stripe.js proves with it what a secret key need not prove; the SDK's types may lack it.
    proof = {"client_secret": given.pop("client_secret", None)} if call.browser else {}
    params = typed(given, operation.shape)
    expand: list[str] = params.pop("expand", None) or []
    for name in params:
        if name not in operation.acts_on:
            raise invalid(f"This local server does not implement the parameter {name}.", name)
    return replace(call, params=params | proof), expand


def _answer(status: int, body: Document, request_id: str) -> Answer:
    return Answer(status, written(body), request_id)


def _failure(refusal: StripeError, request_id: str) -> Answer:
    return _answer(refusal.status, {"error": refusal.body}, request_id)


def _injected(fault: Fault, request_id: str) -> Answer:
    error = fault.error or _mishap("This failure was asked for at /_local/faults.")
    return _answer(fault.status, {"error": error}, request_id)


def _mishap(message: str) -> Document:
    return {"type": "api_error", "message": message}


def _response(answer: Answer, request_id: str, *, replayed: bool = False) -> Response:
    headers = {**CORS, "Request-Id": request_id, "Stripe-Version": stripe.api_version}
    if replayed:
        headers |= {"Idempotent-Replayed": "true", "Original-Request": answer.request}
    return Response(answer.body, answer.status, headers, "application/json")


async def _preflight(_: Request) -> Response:
    return Response(status_code=204, headers=CORS)
