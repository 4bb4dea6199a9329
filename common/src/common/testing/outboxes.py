"""Outboxes in tests of the relay and its sweep."""

from datetime import datetime, timedelta
from typing import Any

from common.persistence.store import Store
from common.testing.polling import eventually
from common.values.clock import utc_now


def a_minute_ago() -> datetime:
    """Return the time of a process whose events are old enough to be swept at once."""
    return utc_now() - timedelta(minutes=1)


async def wait_until_outboxes_empty(things: Store[Any]) -> None:
    """Wait until every event of a store was published and removed."""

    async def empty() -> bool:
        return not await things.collection.count_documents({"outbox.0": {"$exists": True}})

    await eventually(empty)
