"""Identifiers: 24 hex digits, made where a thing is made."""

import re
from typing import Annotated

from bson import ObjectId
from pydantic import AfterValidator

_HEX = re.compile(r"[0-9a-f]{24}\Z")


def new_id() -> str:
    """Make an id that nothing else has."""
    return str(ObjectId())


def is_id(text: str) -> bool:
    """Tell whether the text could be one of our ids."""
    return _HEX.match(text) is not None


def _validate_id(text: str) -> str:
    text = text.lower()
    if not is_id(text):
        raise ValueError("must be 24 hex digits")
    return text


Id = Annotated[str, AfterValidator(_validate_id)]
"""An id that came from outside: 24 hex digits, in lower case from here on."""
