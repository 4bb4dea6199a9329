"""The export of what a service stores of a user, as one JSON document that is streamed.

Only one page is in memory at a time, however much a user has.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Mapping
from typing import TypeVar

from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from common.web.etags import NO_STORE
from common.web.pagination import Page

T = TypeVar("T")


async def iter_pages(read: Callable[[str | None], Awaitable[Page[T]]]) -> AsyncGenerator[T]:
    """Yield the items of all pages. `read` takes the cursor of a page."""
    cursor: str | None = None
    while True:
        page = await read(cursor)
        for item in page.items:
            yield item
        cursor = page.next_cursor
        if cursor is None:
            return


def export_response(lists: Mapping[str, AsyncIterable[BaseModel]]) -> StreamingResponse:
    """Return a JSON object of lists, each of which is read while it is sent.

    A failure ends the document early, so it is no valid JSON.
    """
    return StreamingResponse(_document(lists), media_type="application/json", headers=NO_STORE)


async def _document(lists: Mapping[str, AsyncIterable[BaseModel]]) -> AsyncGenerator[str]:
    yield "{"
    for number, (name, items) in enumerate(lists.items()):
        yield f"{', ' if number else ''}{json.dumps(name)}: ["
        separator = ""
        async for item in items:
            yield separator + item.model_dump_json()
            separator = ", "
        yield "]"
    yield "}"
