"""Reading and publishing events in tests."""

from typing import Any, TypeVar, cast
from uuid import uuid4

from common.events import Event, stream_of
from common.messaging.bus import Bus
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
        stream = self.bus.connection.stream(stream_of(event))
        info = await self.bus.connection.js.stream_info(stream)
        found: list[E] = []
        for sequence in range(info.state.first_seq or 1, info.state.last_seq + 1):
            raw = await self.bus.connection.js.get_msg(stream, seq=sequence)
            if raw.subject == self.bus.connection.subject(event.subject):
                found.append(event.model_validate_json(raw.data or b""))
        return found

    async def next(self, event: type[E], count: int = 1) -> E:
        """Wait until `count` events of this type are stored, and return the last of them."""

        async def enough() -> list[E]:
            found = await self.all(event)
            return found if len(found) >= count else []

        return (await eventually(enough))[count - 1]

    async def publish(self, event: Event, *, aggregate_id: str, event_id: str = "") -> None:
        """Publish an event as another service."""
        await self.bus.publish(
            EventEnvelope(
                id=event_id or uuid4().hex,
                subject=event.subject,
                data=event.model_dump_json().encode(),
                aggregate_id=aggregate_id,
                occurred_at=utc_now(),
            )
        )

    async def wait_until_handled(self, durable: str) -> None:
        """Wait until the consumer has acknowledged every event that is stored now."""
        stream = durable.partition("-")[2]
        last = (
            await self.bus.connection.js.stream_info(self.bus.connection.stream(stream))
        ).state.last_seq

        async def done() -> bool:
            info = await self.bus.connection.js.consumer_info(
                self.bus.connection.stream(stream), durable
            )
            delivered = info.delivered.stream_seq if info.delivered else 0  # pending lags behind it
            return delivered >= last and not info.num_pending and not info.num_ack_pending

        await eventually(done)

    async def dead_letters(self) -> list[dict[str, Any]]:
        """Return the subject and the reason of every dead letter."""
        stream = self.bus.connection.stream("dead-letters")
        info = await self.bus.connection.js.stream_info(stream)
        found: list[dict[str, Any]] = []
        for sequence in range(info.state.first_seq or 1, info.state.last_seq + 1):
            raw = await self.bus.connection.js.get_msg(stream, seq=sequence)
            headers = cast(dict[str, str], raw.headers or {})
            found.append({"subject": raw.subject, "reason": headers.get("Dead-Reason")})
        return found
