"""The tickets of shows that have started, which nobody can order any more."""

from datetime import UTC, datetime
from typing import Final

import pymongo

from common.events import TicketStatus
from common.persistence.mongo import Collection, Doc
from tickets.store.vocabulary import WORDS_NEWEST
from tickets.ticket_terms import dates_until

UNLISTED: Final = "unlisted"
"""The stored status of an available ticket that no list has: its show has started or is cancelled.

So it is in no index of the available tickets. Outside the store it is available, as it always was.
"""
TIMEOUT_SECONDS: Final = 30.0


def has_started(doc: Doc, now: datetime) -> bool:
    """Return whether the show of a stored ticket has started."""
    show = doc.get("show")
    return show is not None and show["starts_at"] <= now


async def unlist_started(tickets: Collection, now: datetime) -> int:
    """Remove the tickets of started shows from the indexes, and return how many.

    It is no new version of a ticket, because no reader notices: searches compare the time as well.
    The terms of the days until now lead to these tickets, so no index has to.
    """
    started: Doc = {
        "status": TicketStatus.AVAILABLE,
        "words": dates_until(now.astimezone(UTC).date()),
        "show.starts_at": {"$lte": now},
    }
    with pymongo.timeout(TIMEOUT_SECONDS):
        result = await tickets.update_many(
            started, {"$set": {"status": UNLISTED}}, hint=WORDS_NEWEST
        )
    return result.modified_count
