"""The cached responses of tickets, kept in step with what is written."""

from common.web.etags import etag
from common.web.response_cache import ResponseCache
from tickets.domain import Ticket
from tickets.schemas import ticket_path


class TicketCache:
    """Invalidates the cached responses of tickets that have changed."""

    def __init__(self, recent: ResponseCache) -> None:
        self._recent = recent

    def invalidate(self, ticket_id: str, *, known_version: int) -> None:
        """Drop a ticket's cached response, unless it shows this version already."""
        self._recent.invalidate(ticket_path(ticket_id), etag(known_version))

    def on_written(self, ticket: Ticket, confirmed: bool) -> None:  # noqa: ARG002, FBT001
        """Drop what this replica has written, so that its writer reads it back at once.

        An unconfirmed write counts too, because it may have been stored.
        """
        self._recent.invalidate(ticket_path(ticket.id))
        self._recent.note_write_by(ticket.user_id)
