"""Completes a service's OpenAPI document with the responses that all routes have in common.

FastAPI documents 422, which we never return, and does not know the responses of the middleware and
the exception handlers: 403, 408, 413, 414, 429, 431 and 503.
"""

from collections.abc import Iterator
from typing import Any, Final

from common.errors import ApiError
from common.web.authentication import SAFE_METHODS
from common.web.schemas import ErrorResponse

Doc = dict[str, Any]

METHODS: Final = frozenset({"get", "put", "post", "delete", "patch"})
NOT_MODIFIED: Final[Doc] = {"description": "Not modified: the client already has this version"}
ERRORS: Final = {str(error.status): error for error in ApiError.__subclasses__()}
"""The error of each status. Its docstring is the description of the response."""
EXAMPLES: Final = {
    "400": "Ticket is already reserved",
    "402": "Your card has insufficient funds.",
}
"""Messages that are more typical than the default message of the status."""
IDEMPOTENCY_KEY: Final[Doc] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A user's repeated request with this key gets the first response, for a day",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}


def iter_operations(document: Doc) -> Iterator[tuple[str, Doc]]:
    """Yield each operation with its method."""
    for path in document.get("paths", {}).values():
        for method, operation in path.items():
            if method in METHODS:
                yield method.upper(), operation


def add_common_responses(document: Doc) -> Doc:
    """Add the common responses, and the Idempotency-Key of writes, to each operation."""
    for method, operation in iter_operations(document):
        responses: Doc = operation["responses"]
        if _needs_session(operation) and method not in SAFE_METHODS:
            operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
        for status in _common_statuses(method, operation):
            responses.setdefault(status, {})
        responses.pop("422", None)
        operation["responses"] = {
            status: _response(status, responses[status]) for status in sorted(responses)
        }
    components: Doc = document.setdefault("components", {})
    schemas: Doc = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    if "ErrorResponse" not in schemas:
        schema = ErrorResponse.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= {**schema.pop("$defs"), "ErrorResponse": schema}
    return document


def _needs_session(operation: Doc) -> bool:
    return {"session": []} in operation.get("security", ())


def _common_statuses(method: str, operation: Doc) -> set[str]:
    """Return the statuses that an operation has in common with others."""
    statuses = {"414", "429", "431", "503"}
    if "422" in operation["responses"]:
        statuses.add("400")
    if method not in SAFE_METHODS:
        statuses |= {"400", "403", "408", "413"}
        if _needs_session(operation):
            statuses.add("409")
    names = {parameter["name"] for parameter in operation.get("parameters", ())}
    if "If-None-Match" in names:
        statuses.add("304")
    return statuses


def _response(status: str, existing: Doc) -> Doc:
    """Return a response with description, schema and example, keeping the route's own schema."""
    if status == "304":
        return NOT_MODIFIED
    if status not in ERRORS:
        return existing
    error = ERRORS[status]
    error_schema = {"schema": {"$ref": "#/components/schemas/ErrorResponse"}}
    content: Doc = existing.get("content") or {"application/json": error_schema}
    body = content["application/json"]
    message = EXAMPLES.get(status, error.default_message)
    body.setdefault("example", {"errors": [{"message": message}]})
    return {"description": (error.__doc__ or "").rstrip("."), "content": content}
