"""The failures a person can be told about, each with its HTTP status.

* Failure
  + Invalid 400            what was sent, or the state it meets, does not allow it
  + NotAuthorized 401      no session, or somebody else's thing
  + PaymentDeclined 402    the card said no
  + Forbidden 403          a write that another site caused
  + NotFound 404
  + InProgress 409         the same thing is being done right now
  + PreconditionFailed 412 it changed since it was read (If-Match)
  + TooLarge 413
  + TooManyRequests 429
  + Unavailable 503        we cannot tell, or cannot do it, at the moment

Pure: nothing here knows HTTP's libraries. `common.web.errors` puts them on the wire.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import ClassVar


@dataclasses.dataclass(frozen=True, slots=True)
class ErrorDetail:
    """One thing that is wrong: its words, the field at fault, and codes for programs."""

    message: str
    field: str | None = None
    extra: Mapping[str, str | bool] = dataclasses.field(default_factory=dict[str, str | bool])


class ApiError(Exception):
    """A refusal in the domain's words; its class says which HTTP status it has."""

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
    """What was sent cannot be accepted, or the thing's state does not allow it."""

    status = 400
    default_message = "Invalid request"


class Unauthorized(ApiError):
    """There is no session, or the thing is somebody else's."""

    status = 401
    default_message = "Not authorized"


class PaymentDeclined(ApiError):
    """The card was refused; the order stays open."""

    status = 402
    default_message = "Your card was declined."


class Forbidden(ApiError):
    """A write that another site caused."""

    status = 403
    default_message = "Cross-site request refused"


class NotFound(ApiError):
    """There is no such thing."""

    status = 404
    default_message = "Not Found"


class Conflict(ApiError):
    """The same thing is being done right now."""

    status = 409
    default_message = "Already in progress"


class PreconditionFailed(ApiError):
    """The thing changed since it was read."""

    status = 412
    default_message = "It has changed since you read it"


class PayloadTooLarge(ApiError):
    """More was sent than is accepted."""

    status = 413
    default_message = "Request body too large"


class TooManyRequests(ApiError):
    """Too many tries in too short a time."""

    status = 429
    default_message = "Too many requests"


class ServiceUnavailable(ApiError):
    """It cannot be done, or its outcome cannot be told, at the moment."""

    status = 503
    default_message = "Temporarily unavailable"
