"""Rendering errors: every error of every service has the shape of `ErrorResponse`."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from common.errors import (
    ApiError,
    BadRequest,
    ErrorDetail,
    NotFound,
    RequestTimeout,
    ServiceUnavailable,
)
from common.persistence.mongo import UNAVAILABLE_ERRORS
from common.web.schemas import ErrorResponse
from common.web.security_headers import security_headers

log = structlog.get_logger("http")


def error_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` argument of a route that documents these error statuses."""
    return {status: {"model": ErrorResponse} for status in statuses}


def error_response(error: ApiError) -> JSONResponse:
    """Render an error."""
    errors: list[dict[str, str | int]] = []
    for detail in error.details:
        item: dict[str, str | int] = {"message": detail.message}
        if detail.field is not None:
            item["field"] = detail.field
        errors.append({**item, **detail.extra})
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    if isinstance(error, RequestTimeout):  # the rest of the body may never come
        headers["Connection"] = "close"
    return JSONResponse({"errors": errors}, error.status, headers=headers)


def _error_detail(error: Mapping[str, Any]) -> ErrorDetail:
    location: Sequence[str | int] = error["loc"]
    if error["type"] == "json_invalid":
        return ErrorDetail("Body must be valid JSON")
    message = str(error["msg"]).removeprefix("Value error, ")
    fields = [str(part) for part in location[1:]]
    if not fields:
        return ErrorDetail("Body must be a JSON object" if location[0] == "body" else message)
    if error["type"] == "missing":
        message = f"{fields[-1]} is required"
    return ErrorDetail(message, ".".join(fields))


def validation_error_response(error: RequestValidationError) -> JSONResponse:
    """Render a validation error: 400 with one item per field."""
    if any(item["loc"][0] == "path" for item in error.errors()):
        return error_response(NotFound())  # a malformed id matches no resource
    return error_response(
        BadRequest(details=[_error_detail(problem) for problem in error.errors()])
    )


def register_exception_handlers(app: FastAPI) -> None:
    """Register handlers that render every error of this app."""

    async def on_api_error(_: Request, error: Exception) -> Response:
        if not isinstance(error, ApiError):
            raise error
        return error_response(error)

    async def on_validation_error(_: Request, error: Exception) -> Response:
        if not isinstance(error, RequestValidationError):
            raise error
        return validation_error_response(error)

    async def on_http_exception(_: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        message = (
            "Body must be valid JSON" if error.status_code == BadRequest.status else error.detail
        )
        response = JSONResponse({"errors": [{"message": message}]}, error.status_code)
        response.headers.update(error.headers or {})
        return response

    async def on_database_unavailable(request: Request, error: Exception) -> Response:
        log.warning("database unavailable", path=request.url.path, error=repr(error))
        return error_response(ServiceUnavailable(retry_after=1))

    async def on_unhandled(request: Request, _: Exception) -> Response:
        # Starlette calls this outside our middleware, and logs the error with its stack trace.
        response = error_response(ApiError())
        response.raw_headers += security_headers(request.scope)
        return response

    app.add_exception_handler(ApiError, on_api_error)
    app.add_exception_handler(RequestValidationError, on_validation_error)
    app.add_exception_handler(HTTPException, on_http_exception)
    for error_type in UNAVAILABLE_ERRORS:
        app.add_exception_handler(error_type, on_database_unavailable)
    app.add_exception_handler(Exception, on_unhandled)
