"""Cursor pagination."""

import base64
import binascii
import json
import re
from collections.abc import Sequence
from typing import Annotated, Any, Final, Generic, TypeVar, cast
from urllib.parse import urlencode

from fastapi import Query, Request

from common.errors import BadRequest

PAGE_SIZE: Final = 100
_SURROGATE: Final = re.compile("[\ud800-\udfff]")

T = TypeVar("T")
Cursor = Annotated[
    str | None, Query(max_length=500, description="The cursor from the previous page's Link header")
]
Limit = Annotated[int, Query(ge=1, le=PAGE_SIZE, description="The maximum number of items")]


class Page(Generic[T]):
    """One page of a list, with the cursor of the next page if there is one."""

    def __init__(self, items: Sequence[T], next_cursor: str | None) -> None:
        self.items = items
        self.next_cursor = next_cursor

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
        position = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        raise BadRequest("Invalid cursor", field="cursor") from None
    if not isinstance(position, list):
        raise BadRequest("Invalid cursor", field="cursor")
    parts = cast(list[Any], position)
    if not all(_is_position(part) for part in parts):
        raise BadRequest("Invalid cursor", field="cursor")
    return tuple(parts)


def _is_position(part: Any) -> bool:
    """Return whether MongoDB can compare with the value: text or a 64-bit integer."""
    if isinstance(part, int):
        return not isinstance(part, bool) and -(2**63) <= part < 2**63
    return isinstance(part, str) and not _SURROGATE.search(part)
