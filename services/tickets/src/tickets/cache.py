"""Invalidation of cached responses of tickets and shows."""

from typing import Final

from common.web.etags import etag
from common.web.response_cache import Normalize, ResponseCache
from tickets.domain.show import Show
from tickets.domain.ticket import Ticket
from tickets.search import normalize_name, normalize_words

VERIFIED: Final = "verified"
"""The variant of a ticket's response that says that its seller is verified."""
SHOWS_PATH: Final = "/api/tickets/shows"
PARAMETERS: Final[dict[str, dict[str, Normalize]]] = {
    "/api/tickets": {
        "q": normalize_words,
        "city": normalize_name,
        **dict.fromkeys(("sort", "minPrice", "maxPrice", "limit", "cursor"), str),
        **dict.fromkeys(("showId", "category", "from", "to"), str),
    },
    SHOWS_PATH: {
        "q": normalize_words,
        "city": normalize_name,
        **dict.fromkeys(("category", "from", "to", "limit", "cursor"), str),
    },
}
"""The query parameters of the cached routes. A single ticket or show has none."""


class TicketCache:
    """Invalidates the cached responses of tickets and shows that have changed."""

    def __init__(self, response_cache: ResponseCache) -> None:
        self._response_cache = response_cache

    def invalidate(self, ticket_id: str, *, known_version: int) -> None:
        """Drop the cached response of a ticket, unless it already contains this version."""
        tags = (etag(known_version), etag(known_version, VERIFIED))
        self._response_cache.invalidate(_path(ticket_id), *tags)

    def on_written(self, ticket: Ticket) -> None:
        """Drop the cached response of a ticket, so that its seller reads this write immediately."""
        self._response_cache.invalidate(_path(ticket.id))
        self._response_cache.note_write_by(ticket.user_id)

    def on_show_written(self, show: Show) -> None:
        """Drop the cached response of a show, so that its creator reads this write immediately."""
        self._response_cache.invalidate(f"{SHOWS_PATH}/{show.id}")
        self._response_cache.note_write_by(show.user_id)


def _path(ticket_id: str) -> str:
    return f"/api/tickets/{ticket_id}"
