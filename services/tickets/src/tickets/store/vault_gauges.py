"""The gauges of the vault, which are refreshed periodically."""

from datetime import timedelta
from typing import Final

from common.events import VaultState
from common.persistence.mongo import collection_of
from common.values.clock import Clock
from tickets.domain.vault_entry import RETENTION, UPLOAD_TIME
from tickets.metrics import ENTRIES, OVERDUE
from tickets.store.vault_entries import VaultDocument

INTERVAL_SECONDS: Final = 15.0
COUNT_LIMIT: Final = 100_000
"""Counting stops here, because more makes no difference to the operator."""
MAX_OVERDUE: Final = 1_000
TOLERANCE: Final = timedelta(minutes=2)
"""How long after it is due the sweeper may settle an entry."""


class VaultGauges:
    """Counts the entries by state, and those that the sweeper should have settled."""

    def __init__(self, clock: Clock) -> None:
        self._entries = collection_of(VaultDocument)
        self._clock = clock

    async def refresh(self) -> None:
        """Update the gauges, from indexes."""
        for state in VaultState:
            count = await self._entries.count_documents(
                {"state": state}, hint="state", limit=COUNT_LIMIT
            )
            ENTRIES.labels(state.value).set(count)
        due = self._clock() - TOLERANCE
        overdue = {
            "is_settled": False,
            "$or": [
                {"is_attached": False, "uploaded_at": {"$lt": due - UPLOAD_TIME}},
                {"released_at": {"$lt": due - RETENTION}},
            ],
        }
        OVERDUE.set(
            await self._entries.count_documents(overdue, hint="unsettled", limit=MAX_OVERDUE)
        )
