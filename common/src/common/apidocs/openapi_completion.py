"""Completes a service's OpenAPI document with what all routes have in common.

FastAPI documents 422 for each route, which is never answered here, and knows nothing of what the
middlewares answer: 403 to another site's write, 413 to a long body, 503 while a store is away.
"""

from collections.abc import Iterator
from typing import Any, Final

from common.web.authentication import SAFE_METHODS
from common.web.schemas import ErrorResponse

Doc = dict[str, Any]

METHODS: Final = frozenset({"get", "put", "post", "delete", "patch"})
RESPONSES: Final = {
    "304": ("You have this version already", None),
    "400": (
        "What was sent, or the state it meets, does not allow it",
        "Ticket is already reserved",
    ),
    "401": ("No session, or somebody else's thing", "Not authorized"),
    "402": ("The card was declined", "Your card has insufficient funds."),
    "403": ("A write that another site caused", "Cross-site request refused"),
    "404": ("There is no such thing", "Not Found"),
    "409": ("The same thing is being done right now", "Already in progress"),
    "412": ("It has changed since it was read (If-Match)", "It has changed since you read it"),
    "413": ("The body is longer than 64 KiB", "Request body too large"),
    "429": ("Too many tries in too short a time", "Too many requests"),
    "503": ("It cannot be done, or its outcome be told, at the moment", "Temporarily unavailable"),
}
IDEMPOTENCY_KEY: Final[Doc] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key and user again gives the first answer again, for a day",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}


def iter_operations(document: Doc) -> Iterator[tuple[str, Doc]]:
    """Go through the operations: method and what is said of it."""
    for path in document.get("paths", {}).values():
        for method, operation in path.items():
            if method in METHODS:
                yield method.upper(), operation


def add_common_responses(document: Doc) -> Doc:
    """Say what each operation answers besides what its route says itself."""
    for method, operation in iter_operations(document):
        responses: Doc = operation["responses"]
        if _needs_session(operation) and method not in SAFE_METHODS:
            operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
        for status in _common_statuses(method, operation):
            responses.setdefault(status, {})
        responses.pop("422", None)
        operation["responses"] = {
            status: _response(status, responses[status])
            if status in RESPONSES
            else responses[status]
            for status in sorted(responses)
        }
    components: Doc = document.setdefault("components", {})
    schemas: Doc = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    if "Errors" not in schemas:
        schema = ErrorResponse.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= {**schema.pop("$defs"), "Errors": schema}
    return document


def _needs_session(operation: Doc) -> bool:
    return {"session": []} in operation.get("security", ())


def _common_statuses(method: str, operation: Doc) -> set[str]:
    """Say which answers an operation has in common with others like it."""
    statuses = {"503"}
    if "422" in operation["responses"]:
        statuses.add("400")
    if method not in SAFE_METHODS:
        statuses |= {"400", "403", "413"}
        if _needs_session(operation):
            statuses.add("409")
    names = {parameter["name"] for parameter in operation.get("parameters", ())}
    if "If-None-Match" in names:
        statuses.add("304")
    return statuses


def _response(status: str, existing: Doc) -> Doc:
    """Give a failure its words, its shape and an example; what the route said of it stays."""
    description, example_message = RESPONSES[status]
    if example_message is None:
        return {"description": description}
    error_schema = {"schema": {"$ref": "#/components/schemas/Errors"}}
    content: Doc = existing.get("content") or {"application/json": error_schema}
    body = content["application/json"]
    body.setdefault("example", {"errors": [{"message": example_message}]})
    return {"description": description, "content": content}
