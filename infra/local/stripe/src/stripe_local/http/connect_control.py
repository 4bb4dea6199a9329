"""The control routes for what happens outside of the API: time, verification, disputes."""

import math
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from stripe_local import clock
from stripe_local.connect import account_state, payouts
from stripe_local.documents import PRIVATE, Document, public
from stripe_local.due import advance
from stripe_local.errors import StripeError, invalid, missing
from stripe_local.http.idempotency import IdempotencyKeys
from stripe_local.resources import disputes
from stripe_local.resources.call import Call

_Endpoint = Callable[[Request], Awaitable[Response]]


class ConnectControl:
    """The control routes of Stripe Connect."""

    def __init__(self, call: Call, keys: IdempotencyKeys) -> None:
        self._call = call
        self._keys = keys

    def endpoints(self) -> list[tuple[str, str, _Endpoint]]:
        """Return the methods, paths and endpoints."""
        return [
            ("GET", "clock", self._show_clock),
            ("POST", "clock", _with_errors(self._move_clock)),
            ("DELETE", "idempotency", self._forget_keys),
            ("POST", "disputes", _with_errors(self._open_dispute)),
            ("POST", "disputes/{id}", _with_errors(self._decide_dispute)),
            ("POST", "accounts/{id}", _with_errors(self._change_account)),
        ]

    async def _show_clock(self, _: Request) -> Response:
        return JSONResponse({"now": clock.timestamp()})

    async def _move_clock(self, request: Request) -> Response:
        """Move the time forward, and make the changes that become due."""
        seconds = (await _body(request)).get("seconds")
        if not isinstance(seconds, int | float) or not math.isfinite(seconds) or seconds < 0:
            raise invalid("seconds must be a positive number", "seconds")
        advance(self._call, seconds)
        return JSONResponse({"now": clock.timestamp()})

    async def _forget_keys(self, request: Request) -> Response:
        """Forget idempotency keys, as Stripe does after a day."""
        older = request.query_params.get("older", "0")
        seconds = int(older) if older.isdigit() else 0
        forgotten = self._keys.forget(seconds, request.query_params.get("match", "*"))
        return JSONResponse({"forgotten": forgotten})

    async def _change_account(self, request: Request) -> Response:
        """Verify, restrict or reject an account, as Stripe does."""
        body = await _body(request)
        state = body.get("transfers")
        if state not in account_state.STATES:
            raise invalid(f"transfers must be one of {', '.join(account_state.STATES)}")
        account = self._find(request.path_params["id"], account_state.KIND)
        bank = str(body.get("bank") or account[PRIVATE]["bank"] or account_state.WORKING_BANK)
        changes = {"transfers": state, "onboarded": True, "bank": bank, "bank_failed": False}
        with self._call.store.transaction():
            account_state.change(self._call, account, **changes)
            payouts.schedule(self._call, account)
        return JSONResponse(public(account))

    async def _open_dispute(self, request: Request) -> Response:
        """Dispute a charge or a part of it, however long after the payment."""
        body = await _body(request)
        charge = self._find(str(body.get("charge")), "charge")
        amount = body.get("amount", charge["amount"])
        if not isinstance(amount, int) or not 1 <= amount <= charge["amount"]:
            raise invalid("amount must be a part of the charge", "amount")
        reason, is_inquiry = str(body.get("reason", "fraudulent")), bool(body.get("inquiry"))
        with self._call.store.transaction():
            dispute = disputes.open_dispute(
                self._call, charge, amount, reason, is_inquiry=is_inquiry
            )
        return JSONResponse(public(dispute), 201)

    async def _decide_dispute(self, request: Request) -> Response:
        """Decide a dispute, as the bank does."""
        outcome = (await _body(request)).get("outcome")
        if outcome not in {"won", "lost"}:
            raise invalid("outcome must be won or lost", "outcome")
        dispute = self._find(request.path_params["id"], "dispute")
        with self._call.store.transaction():
            disputes.decide(self._call, dispute, outcome)
        return JSONResponse(public(dispute))

    def _find(self, object_id: str, kind: str) -> Document:
        found = self._call.store.get(object_id, kind)
        if found is None:
            raise missing(kind, object_id)
        return found


def _with_errors(endpoint: _Endpoint) -> _Endpoint:
    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except StripeError as error:
            return JSONResponse({"error": error.body}, error.status)

    return answer


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise invalid("The body of the request is not a JSON object.")
    return body  # pyright: ignore[reportUnknownVariableType]  # JSON
