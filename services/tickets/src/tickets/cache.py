"""Invalidation of cached ticket responses."""

from common.web.etags import etag
from common.web.response_cache import ResponseCache
from tickets.domain import Ticket


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
