"""HTTP's side of the domain: camelCase bodies, the one error shape, the limit of a body."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.auth.dependencies import SESSION_COOKIE
from common.errors import (
    Failure,
    Invalid,
    NotAuthorized,
    NotFound,
    Problem,
    TooLarge,
    Unavailable,
)
from common.persistence.mongo import AWAY
from common.web.schemas import Errors

log = structlog.get_logger("http")

MAX_BODY: Final = 64 * 1024


def error_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Document which failures a route answers with."""
    return {status: {"model": Errors} for status in statuses}


def failure_response(failure: Failure) -> JSONResponse:
    """Put a failure on the wire."""
    errors: list[dict[str, str | bool]] = []
    for problem in failure.problems:
        shown: dict[str, str | bool] = {"message": problem.message}
        if problem.field is not None:
            shown["field"] = problem.field
        errors.append({**shown, **problem.extra})
    headers = {} if failure.retry_after is None else {"Retry-After": str(failure.retry_after)}
    return JSONResponse({"errors": errors}, failure.status, headers=headers)


def _problem(error: Mapping[str, Any]) -> Problem:
    location: Sequence[str | int] = error["loc"]
    if error["type"] == "json_invalid":
        return Problem("Body must be valid JSON")
    message = str(error["msg"]).removeprefix("Value error, ")
    fields = [str(part) for part in location[1:]]
    if not fields:
        return Problem("Body must be a JSON object" if location[0] == "body" else message)
    if error["type"] == "missing":
        message = f"{fields[0]} is required"
    return Problem(message, ".".join(fields))


def _needs_session(dependant: Dependant) -> bool:
    return any(
        dependency.call is SESSION_COOKIE or _needs_session(dependency)
        for dependency in dependant.dependencies
    )


def invalid_request(request: Request, error: RequestValidationError) -> JSONResponse:
    """Answer a malformed body: 400 with a problem per field, or 401 where a session is missing.

    FastAPI reads the body before it asks who is there; the contract asks for the session first.
    """
    dependant: Dependant | None = getattr(request.scope.get("route"), "dependant", None)
    if dependant is not None and _needs_session(dependant) and request.state.user is None:
        return failure_response(NotAuthorized())
    if any(problem["loc"][0] == "path" for problem in error.errors()):
        return failure_response(NotFound())  # a malformed id names nothing
    return failure_response(Invalid(problems=[_problem(problem) for problem in error.errors()]))


def handle_errors(app: FastAPI) -> None:  # noqa: C901 - a list of five short handlers
    """Give every error of this app the one shape."""

    async def on_failure(_: Request, error: Exception) -> Response:
        if not isinstance(error, Failure):
            raise error
        return failure_response(error)

    async def on_invalid(request: Request, error: Exception) -> Response:
        if not isinstance(error, RequestValidationError):
            raise error
        return invalid_request(request, error)

    async def on_http(_: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        if error.status_code == MAX_BODY_STATUS:
            return failure_response(TooLarge())
        words = "Body must be valid JSON" if error.status_code == Invalid.status else error.detail
        response = JSONResponse({"errors": [{"message": words}]}, error.status_code)
        response.headers.update(error.headers or {})
        return response

    async def on_store_away(request: Request, error: Exception) -> Response:
        log.warning("the store is away", path=request.url.path, error=repr(error))
        return failure_response(Unavailable(retry_after=1))

    async def on_anything(_: Request, __: Exception) -> Response:
        return failure_response(Failure())  # Starlette logs it once, with its stack

    app.add_exception_handler(Failure, on_failure)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    for kind in AWAY:
        app.add_exception_handler(kind, on_store_away)
    app.add_exception_handler(Exception, on_anything)


MAX_BODY_STATUS: Final = TooLarge.status


class BodyLimit:
    """ASGI middleware: refuses a body over the limit, told beforehand or found while reading."""

    def __init__(self, app: ASGIApp, limit: int = MAX_BODY) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = next((v for k, v in scope["headers"] if k == b"content-length"), b"0")
        if not told.isdigit() or int(told) > self._limit:
            await failure_response(TooLarge())(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._limit:
                raise HTTPException(MAX_BODY_STATUS)
            return message

        await self._app(scope, counted, send)
