"""An event on the wire: CloudEvents 1.0, NATS protocol binding, binary mode."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

MSG_ID_HEADER: Final = "Nats-Msg-Id"


@dataclass(frozen=True, slots=True)
class EventEnvelope:
    """A serialized event with its metadata."""

    id: str
    subject: str
    data: bytes
    aggregate_id: str
    occurred_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    def cloud_event_headers(self, source: str) -> dict[str, str]:
        """Return the NATS headers with the CloudEvents attributes."""
        return {
            **self.headers,
            MSG_ID_HEADER: self.id,
            "ce-specversion": "1.0",
            "ce-id": self.id,
            "ce-source": f"/{source}",
            "ce-type": f"dev.ticketing.{self.subject}",
            "ce-subject": self.aggregate_id,
            "ce-time": self.occurred_at.isoformat(),
            "content-type": "application/json",
        }
