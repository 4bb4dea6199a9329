"""The errors that a client can receive, each with its HTTP status.

This module imports no HTTP library. `common.web.errors` turns these errors into responses.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import ClassVar


@dataclasses.dataclass(frozen=True, slots=True)
class ErrorDetail:
    """One error: its message, the field that caused it, and codes for programs."""

    message: str
    field: str | None = None
    extra: Mapping[str, str | int] = dataclasses.field(default_factory=dict[str, str | int])


class ApiError(Exception):
    """An error for the client. A subclass sets the status and the default message.

    OpenAPI describes the response of a status by the docstring of its subclass.
    """

    status: ClassVar[int] = 500
    default_message: ClassVar[str] = "Something went wrong"

    def __init__(
        self,
        message: str | None = None,
        *,
        field: str | None = None,
        details: Sequence[ErrorDetail] = (),
        retry_after: int | None = None,
    ) -> None:
        self.details = tuple(details) or (ErrorDetail(message or self.default_message, field),)
        self.retry_after = retry_after
        super().__init__("; ".join(detail.message for detail in self.details))


class BadRequest(ApiError):
    """The request is invalid, or not allowed in the present state."""

    status = 400
    default_message = "Invalid request"


class Unauthorized(ApiError):
    """No session, or the resource belongs to another user."""

    status = 401
    default_message = "Not authorized"


class PaymentDeclined(ApiError):
    """The card was declined."""

    status = 402
    default_message = "Your card was declined."


class Forbidden(ApiError):
    """A cross-site write, or something that this user may not do, or not now."""

    status = 403
    default_message = "Cross-site request refused"


class NotFound(ApiError):
    """The resource does not exist."""

    status = 404
    default_message = "Not Found"


class RequestTimeout(ApiError):
    """The body did not arrive in time."""

    status = 408
    default_message = "The request did not arrive in time"


class Conflict(ApiError):
    """The operation is in progress already, the price has changed, or a similar show exists."""

    status = 409
    default_message = "Already in progress"


class Gone(ApiError):
    """The file of the ticket was removed."""

    status = 410
    default_message = "It was removed"


class PreconditionFailed(ApiError):
    """The resource has changed since it was read (If-Match)."""

    status = 412
    default_message = "It has changed since you read it"


class PayloadTooLarge(ApiError):
    """The body is longer than 64 KiB, or an uploaded file than 5 MiB."""

    status = 413
    default_message = "Request body too large"


class UriTooLong(ApiError):
    """The query is longer than 4 KiB, or has too many parameters."""

    status = 414
    default_message = "The query is too long"


class UnsupportedMediaType(ApiError):
    """The body is of another type than the route takes."""

    status = 415
    default_message = "Unsupported media type"


class TooManyRequests(ApiError):
    """Too many requests in a short time, or at once."""

    status = 429
    default_message = "Too many requests"


class HeadersTooLarge(ApiError):
    """The request has too many headers, or too long cookies."""

    status = 431
    default_message = "Too many or too long headers"


class ServiceUnavailable(ApiError):
    """The service is unavailable, or the outcome is not known yet."""

    status = 503
    default_message = "Temporarily unavailable"
