"""The shape of errors."""

from pydantic import BaseModel


class ErrorItem(BaseModel):
    """One error and the field at fault."""

    message: str
    field: str | None = None


class ErrorResponse(BaseModel):
    """The body of every error response."""

    errors: list[ErrorItem]
