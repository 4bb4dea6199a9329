"""Cursor pagination."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Generic, TypeVar
from urllib.parse import urlencode

from fastapi import Query, Request
from pydantic import Field, TypeAdapter

from common.errors import BadRequest

PAGE_SIZE: Final = 100
_POSITION: Final = TypeAdapter(
    list[str | Annotated[int, Field(strict=True, ge=-(2**63), lt=2**63)]]
)
"""Values that MongoDB can compare with: text or 64-bit integers."""

T = TypeVar("T")
Cursor = Annotated[
    str | None, Query(max_length=500, description="The cursor from the previous page's Link header")
]
Limit = Annotated[int, Query(ge=1, le=PAGE_SIZE, description="The maximum number of items")]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list, with the cursor of the next page if there is one.

    A page with a successor may have fewer items than the limit, or none.
    """

    items: Sequence[T]
    next_cursor: str | None

    def link_header(self, request: Request) -> dict[str, str]:
        """Return the Link header to the next page (RFC 8288)."""
        if self.next_cursor is None:
            return {}
        query = dict(request.query_params) | {"cursor": self.next_cursor}
        return {"Link": f'<{request.url.path}?{urlencode(query)}>; rel="next"'}


def encode_cursor(*position: str | int) -> str:
    """Encode a position in a list as an opaque cursor."""
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> tuple[str | int, ...]:
    """Decode the position in a cursor.

    Raises:
        BadRequest: the cursor is not one of ours.
    """
    try:
        position = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return tuple(_POSITION.validate_json(position))
    except ValueError:
        raise BadRequest("Invalid cursor", field="cursor") from None
