"""The base model of bodies, and the shape of errors."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class CamelModel(BaseModel):
    """A request or response body: camelCase on the wire, unknown fields ignored."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        extra="ignore",
    )


class ErrorItem(BaseModel):
    """One error and the field at fault."""

    message: str
    field: str | None = None


class ErrorResponse(BaseModel):
    """The body of every error response."""

    errors: list[ErrorItem]
