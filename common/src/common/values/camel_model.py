"""The base of what is sent as JSON: camelCase on the wire, snake_case in Python."""

from operator import not_
from typing import Annotated, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

T = TypeVar("T")
Omittable = Annotated[T | None, Field(exclude_if=not_)]
"""A field that is sent only if it has a value, so that what lacks it looks as it did before."""


class CamelModel(BaseModel):
    """A request, a response or an event. Fields that later versions add are ignored."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        extra="ignore",
    )

    @classmethod
    def from_attributes(cls, source: object) -> Self:
        """Create the model from the attributes of a domain object or an event."""
        return cls.model_validate(source, from_attributes=True, by_alias=False, by_name=True)
