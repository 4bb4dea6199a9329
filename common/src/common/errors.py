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
class Problem:
    """One thing that is wrong: its words, the field at fault, and codes for programs."""

    message: str
    field: str | None = None
    extra: Mapping[str, str | bool] = dataclasses.field(default_factory=dict[str, str | bool])


class Failure(Exception):
    """A refusal in the domain's words; its class says which HTTP status it has."""

    status: ClassVar[int] = 500
    default: ClassVar[str] = "Something went wrong"

    def __init__(
        self,
        message: str | None = None,
        *,
        field: str | None = None,
        problems: Sequence[Problem] = (),
        retry_after: int | None = None,
    ) -> None:
        self.problems = tuple(problems) or (Problem(message or self.default, field),)
        self.retry_after = retry_after
        super().__init__("; ".join(problem.message for problem in self.problems))


class Invalid(Failure):
    """What was sent cannot be accepted, or the thing's state does not allow it."""

    status = 400
    default = "Invalid request"


class NotAuthorized(Failure):
    """There is no session, or the thing is somebody else's."""

    status = 401
    default = "Not authorized"


class PaymentDeclined(Failure):
    """The card was refused; the order stays open."""

    status = 402
    default = "Your card was declined."


class Forbidden(Failure):
    """A write that another site caused."""

    status = 403
    default = "Cross-site request refused"


class NotFound(Failure):
    """There is no such thing."""

    status = 404
    default = "Not Found"


class InProgress(Failure):
    """The same thing is being done right now."""

    status = 409
    default = "Already in progress"


class PreconditionFailed(Failure):
    """The thing changed since it was read."""

    status = 412
    default = "It has changed since you read it"


class TooLarge(Failure):
    """More was sent than is accepted."""

    status = 413
    default = "Request body too large"


class TooManyRequests(Failure):
    """Too many tries in too short a time."""

    status = 429
    default = "Too many requests"


class Unavailable(Failure):
    """It cannot be done, or its outcome cannot be told, at the moment."""

    status = 503
    default = "Temporarily unavailable"
