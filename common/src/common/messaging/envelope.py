"""An event on the wire: CloudEvents 1.0, NATS protocol binding, binary mode."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Self

from common.events import Event

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

    @classmethod
    def from_event(
        cls, event: Event, *, event_id: str, aggregate_id: str, occurred_at: datetime
    ) -> Self:
        """Return the envelope of an event that is in no outbox."""
        return cls(
            id=event_id,
            subject=event.subject,
            data=event.model_dump_json().encode(),
            aggregate_id=aggregate_id,
            occurred_at=occurred_at,
        )

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
