"""Invalidation of cached ticket responses."""

from typing import Final

from common.web.etags import etag
from common.web.response_cache import Normalize, ResponseCache
from tickets.domain import Ticket
from tickets.search import normalize_words

PARAMETERS: Final[dict[str, dict[str, Normalize]]] = {
    "/api/tickets": {
        "q": normalize_words,
        **dict.fromkeys(("sort", "minPrice", "maxPrice", "limit", "cursor"), str),
    }
}
"""The query parameters of the cached routes. A single ticket has none."""


class TicketCache:
    """Invalidates the cached responses of tickets that have changed."""

    def __init__(self, response_cache: ResponseCache) -> None:
        self._response_cache = response_cache

    def invalidate(self, ticket_id: str, *, known_version: int) -> None:
        """Drop the cached response of a ticket, unless it already contains this version."""
        self._response_cache.invalidate(_path(ticket_id), etag(known_version))

    def on_written(self, ticket: Ticket) -> None:
        """Drop the cached response of a ticket, so that its seller reads this write immediately."""
        self._response_cache.invalidate(_path(ticket.id))
        self._response_cache.note_write_by(ticket.user_id)


def _path(ticket_id: str) -> str:
    return f"/api/tickets/{ticket_id}"
