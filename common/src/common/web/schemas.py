"""The base model of bodies, and the shape of errors."""

from typing import Self

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

    @classmethod
    def from_attributes(cls, source: object) -> Self:
        """Create the body from the attributes of a domain object or an event."""
        return cls.model_validate(source, from_attributes=True, by_alias=False, by_name=True)


class ErrorItem(BaseModel):
    """One error and the field at fault."""

    message: str
    field: str | None = None


class ErrorResponse(BaseModel):
    """The body of every error response."""

    errors: list[ErrorItem]
