"""The metrics of events."""

from functools import cache
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

PUBLISHED: Final = Counter("bus_published_total", "Events published", ["subject", "outcome"])
HANDLED: Final = Counter(
    "event_handler_total", "Handled deliveries, by outcome", ["subject", "outcome"]
)
REDELIVERED: Final = Counter("bus_redelivered_total", "Redeliveries", ["durable"])
HANDLER_DURATION: Final = Histogram(
    "event_handler_duration_seconds", "Duration of an event handler", ["subject"]
)
IN_FLIGHT: Final = Gauge(
    "jetstream_messages_in_flight", "Deliveries in flight in this process", ["durable"]
)
DEAD_LETTERED: Final = Counter(
    "bus_dead_letters_total", "Deliveries moved to the dead-letter stream", ["durable", "reason"]
)
FOREIGN: Final = Counter(
    "bus_foreign_messages_total",
    "Messages dropped because the owner of their stream did not publish them",
    ["durable"],
)
OUTBOX_SWEPT: Final = Counter("outbox_swept_total", "Events published by the outbox sweep")

# Cached, because they are looked up for every event.
published = cache(PUBLISHED.labels)
handled = cache(HANDLED.labels)
handler_duration = cache(HANDLER_DURATION.labels)
