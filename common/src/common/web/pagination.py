"""Lists in pages: each ends with a cursor, at which the next one begins."""

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
Cursor = Annotated[str | None, Query(max_length=500, description="Where the page before ended")]
Limit = Annotated[int, Query(ge=1, le=PAGE_SIZE, description="How many at most")]


class Page(Generic[T]):
    """One page of a list, and the cursor of the next, if there is one."""

    def __init__(self, items: Sequence[T], next_cursor: str | None) -> None:
        self.items = items
        self.next_cursor = next_cursor

    def link_header(self, request: Request) -> dict[str, str]:
        """Give the Link header to the next page (RFC 8288), its path as the client knows it."""
        if self.next_cursor is None:
            return {}
        query = dict(request.query_params) | {"cursor": self.next_cursor}
        return {"Link": f'<{request.url.path}?{urlencode(query)}>; rel="next"'}


def encode_cursor(*position: str | int) -> str:
    """Make a position in a list into an opaque word."""
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> tuple[str | int, ...]:
    """Read a position in a list.

    Raises:
        Invalid: it is not one that we gave out.
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
    """Tell whether MongoDB could compare with it: text, or a whole number of 64 bits."""
    if isinstance(part, int):
        return not isinstance(part, bool) and -(2**63) <= part < 2**63
    return isinstance(part, str) and not _SURROGATE.search(part)
