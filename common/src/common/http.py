"""HTTP's side of the domain: the one error shape, camelCase bodies, ETags, pages, limits."""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Generic, TypeVar, cast
from urllib.parse import urlencode

import structlog
from fastapi import FastAPI, Header, Query, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, SerializeAsAny, TypeAdapter
from pydantic.alias_generators import to_camel
from pymongo.errors import AutoReconnect, ExecutionTimeout, WaitQueueTimeoutError, WTimeoutError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.auth import current_user
from common.errors import (
    Failure,
    Invalid,
    NotAuthorized,
    NotFound,
    Problem,
    TooLarge,
    Unavailable,
)

log = structlog.get_logger("http")

MAX_BODY: Final = 64 * 1024
STORE_AWAY: Final = (AutoReconnect, ExecutionTimeout, WaitQueueTimeoutError, WTimeoutError)
PAGE_SIZE: Final = 100
_SURROGATE: Final = re.compile("[\ud800-\udfff]")

T = TypeVar("T")


class Wire(BaseModel):
    """A body on the wire: camelCase, unknown fields ignored on the way in."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        extra="ignore",
    )


class ErrorItem(BaseModel):
    """One thing that is wrong."""

    message: str
    field: str | None = None


class Errors(BaseModel):
    """The shape of every error, from every service and for every cause."""

    errors: list[ErrorItem]


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
        dependency.call is current_user or _needs_session(dependency)
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
    for kind in STORE_AWAY:
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


IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=1000)]
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", max_length=1000)]
Cursor = Annotated[str | None, Query(max_length=500, description="Where the page before ended")]
Limit = Annotated[int, Query(ge=1, le=PAGE_SIZE, description="How many at most")]


def etag(version: int) -> str:
    """Name a version of a resource (RFC 9110, 8.8.3)."""
    return f'"{version}"'


def _tags(header: str) -> list[str]:
    return [tag.strip().removeprefix("W/") for tag in header.split(",")]


def not_modified(header: str | None, tag: str) -> bool:
    """Tell whether the reader already has this (RFC 9110, 13.1.2)."""
    return header is not None and (header.strip() == "*" or tag in _tags(header))


def expected_versions(header: str | None) -> frozenset[int] | None:
    """Read from If-Match which versions a writer has seen; None: any will do (RFC 9110, 13.1.1)."""
    if header is None or header.strip() == "*":
        return None
    seen = (tag.strip('"') for tag in _tags(header))
    return frozenset(int(tag) for tag in seen if tag.isascii() and tag.isdigit() and len(tag) < 10)  # noqa: PLR2004


def reply(
    body: BaseModel | Sequence[BaseModel],
    status: int = 200,
    *,
    tag: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer with a body that needs no second validation: it was made by our own code."""
    content = (
        body.model_dump_json() if isinstance(body, BaseModel) else _ARRAY.dump_json(list(body))
    )
    response = Response(content, status, headers, media_type="application/json")
    if tag is not None:
        response.headers["ETag"] = tag
    return response


def reply_unless_known(known: str | None, tag: str, body: BaseModel) -> Response:
    """Answer with a single resource, or 304 where the reader already has what bears this tag."""
    if not_modified(known, tag):
        return Response(status_code=304, headers={"ETag": tag})
    return reply(body, tag=tag)


_ARRAY: Final = TypeAdapter(list[SerializeAsAny[BaseModel]])


class Page(Generic[T]):
    """One page of a list, and the cursor of the next, if there is one."""

    def __init__(self, items: Sequence[T], next_cursor: str | None) -> None:
        self.items = items
        self.next_cursor = next_cursor

    def link(self, request: Request) -> dict[str, str]:
        """Give the Link header to the next page (RFC 8288), its path as the client knows it."""
        if self.next_cursor is None:
            return {}
        query = dict(request.query_params) | {"cursor": self.next_cursor}
        return {"Link": f'<{request.url.path}?{urlencode(query)}>; rel="next"'}


def encode_cursor(*position: str | int) -> str:
    """Make a position in a list into an opaque word."""
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> tuple[str | int, ...]:
    """Read a position in a list.

    Raises:
        Invalid: it is not one that we gave out.
    """
    try:
        position = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        raise Invalid("cursor is not one of ours", field="cursor") from None
    if not isinstance(position, list):
        raise Invalid("cursor is not one of ours", field="cursor")
    parts = cast(list[Any], position)
    if not all(_is_position(part) for part in parts):
        raise Invalid("cursor is not one of ours", field="cursor")
    return tuple(parts)


def _is_position(part: Any) -> bool:
    """Tell whether MongoDB could compare with it: text, or a whole number of 64 bits."""
    if isinstance(part, int):
        return not isinstance(part, bool) and -(2**63) <= part < 2**63
    return isinstance(part, str) and not _SURROGATE.search(part)
