"""The gauges of the vault, which are refreshed periodically.

Each time the key of the oldest entry is opened too, so that a wrong `VAULT_KEY` is noticed by the
operator who has just set it, and not by a buyer.
"""

from datetime import timedelta
from typing import Final

import structlog

from common.events import VaultState
from common.persistence.mongo import collection_of
from common.values.clock import Clock
from tickets.domain.vault_entry import RETENTION, UPLOAD_TIME
from tickets.metrics import ENTRIES, FILES_UNREADABLE, OVERDUE
from tickets.store.vault_entries import UNSETTLED, VaultDocument
from tickets.vault_keys import CannotOpen, VaultKeys

log = structlog.get_logger("vault")

INTERVAL_SECONDS: Final = 15.0
COUNT_INTERVAL: Final = timedelta(minutes=5)
"""Counting reads an index key for each entry, so it is done less often than the rest."""
COUNT_LIMIT: Final = 100_000
"""Counting stops here, because more makes no difference to the operator."""
MAX_OVERDUE: Final = 1_000
TOLERANCE: Final = timedelta(minutes=2)
"""How long after it is due the sweeper may settle an entry."""


class VaultGauges:
    """Counts the entries by state, and those that the sweeper should have settled."""

    def __init__(self, keys: VaultKeys, clock: Clock) -> None:
        self._entries = collection_of(VaultDocument)
        self._keys = keys
        self._clock = clock
        self._count_at = clock()

    async def refresh(self) -> None:
        """Update the gauges, from indexes, and check the key."""
        await self._check_key()
        if self._clock() >= self._count_at:
            await self._count_by_state()
            self._count_at = self._clock() + COUNT_INTERVAL
        due = self._clock() - TOLERANCE
        overdue = {
            "is_settled": False,
            "$or": [
                {"is_attached": False, "uploaded_at": {"$lt": due - UPLOAD_TIME}},
                {"released_at": {"$lt": due - RETENTION}},
            ],
        }
        OVERDUE.set(await self._entries.count_documents(overdue, hint=UNSETTLED, limit=MAX_OVERDUE))

    async def _count_by_state(self) -> None:
        for state in VaultState:
            count = await self._entries.count_documents(
                {"state": state}, hint="state", limit=COUNT_LIMIT
            )
            ENTRIES.labels(state.value).set(count)

    async def _check_key(self) -> None:
        oldest = await self._entries.find_one(
            {"state": VaultState.SEALED}, {"sealed.wrapped_key": 1}, hint="state"
        )
        if oldest is None:
            return
        try:
            self._keys.rewrap(str(oldest["_id"]), oldest["sealed"]["wrapped_key"])
        except CannotOpen:
            FILES_UNREADABLE.inc()
            log.warning("VAULT_KEY does not open an entry of the vault", entry=str(oldest["_id"]))
