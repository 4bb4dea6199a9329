"""The camelCase bodies of the API, and the one shape of every error."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class CamelModel(BaseModel):
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


class ErrorResponse(BaseModel):
    """The shape of every error, from every service and for every cause."""

    errors: list[ErrorItem]
