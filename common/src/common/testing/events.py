"""Reading and publishing events in tests."""

from typing import Any, TypeVar, cast
from uuid import uuid4

from nats.js.api import RawStreamMsg, StreamState

from common.events import Event, stream_of
from common.messaging.bus import Bus
from common.messaging.connection import DEAD_LETTERS
from common.messaging.envelope import EventEnvelope
from common.testing.polling import eventually
from common.values.clock import utc_now

E = TypeVar("E", bound=Event)


class EventProbe:
    """Reads and publishes events in the test's namespace."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus

    async def all(self, event: type[E]) -> list[E]:
        """Return all stored events of this type, oldest first."""
        subject = self.bus.connection.subject(event.subject)
        return [
            event.model_validate_json(raw.data or b"")
            for raw in await self._messages(stream_of(event))
            if raw.subject == subject
        ]

    async def next(self, event: type[E], count: int = 1) -> E:
        """Wait until `count` events of this type are stored, and return the last of them."""

        async def enough() -> list[E]:
            stored = (await self._state(stream_of(event))).messages
            found = await self.all(event) if stored >= count else []
            return found if len(found) >= count else []

        return (await eventually(enough))[count - 1]

    async def publish(self, event: Event, *, aggregate_id: str, event_id: str = "") -> None:
        """Publish an event as another service."""
        await self.bus.publish(
            EventEnvelope.from_event(
                event,
                event_id=event_id or uuid4().hex,
                aggregate_id=aggregate_id,
                occurred_at=utc_now(),
            )
        )

    async def wait_until_handled(self, durable: str) -> None:
        """Wait until the consumer has acknowledged every event that is stored now."""
        stream = self.bus.connection.stream(durable.partition("-")[2])
        last = (await self._state(durable.partition("-")[2])).last_seq

        async def done() -> bool:
            info = await self.bus.connection.js.consumer_info(stream, durable)
            delivered = info.delivered.stream_seq if info.delivered else 0  # pending lags behind it
            return delivered >= last and not info.num_pending and not info.num_ack_pending

        await eventually(done)

    async def dead_letters(self) -> list[dict[str, Any]]:
        """Return the subject and the reason of every dead letter."""
        return [
            {"subject": raw.subject, "reason": cast(dict[str, str], raw.headers).get("Dead-Reason")}
            for raw in await self._messages(DEAD_LETTERS)
        ]

    async def _state(self, name: str) -> StreamState:
        return (await self.bus.connection.js.stream_info(self.bus.connection.stream(name))).state

    async def _messages(self, name: str) -> list[RawStreamMsg]:
        js, stream = self.bus.connection.js, self.bus.connection.stream(name)
        state = await self._state(name)
        sequences = range(state.first_seq or 1, state.last_seq + 1)
        return [await js.get_msg(stream, seq=sequence) for sequence in sequences]
