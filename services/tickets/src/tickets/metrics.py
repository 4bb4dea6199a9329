"""Metrics of the vault."""

from typing import Final

from prometheus_client import Counter, Gauge

from common.events import VaultState

FILES_UNREADABLE: Final = Counter(
    "vault_files_unreadable_total", "Attempts to open an entry of the vault that failed"
)
ENTRIES: Final = Gauge("vault_entries", "Entries of the vault, up to 100,000", ["state"])
OVERDUE: Final = Gauge(
    "vault_overdue_entries", "Entries that should have been completed or removed by now"
)
for _state in VaultState:
    ENTRIES.labels(_state.value)
