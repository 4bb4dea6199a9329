"""The metrics of what travels between the services."""

from functools import cache
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

PUBLISHED: Final = Counter("bus_published_total", "Events published", ["subject", "outcome"])
HANDLED: Final = Counter("bus_handled_total", "Deliveries, by outcome", ["subject", "outcome"])
REDELIVERED: Final = Counter("bus_redelivered_total", "Deliveries not the first", ["durable"])
HANDLE_SECONDS: Final = Histogram("bus_handle_seconds", "How long a handler took", ["subject"])
HELD: Final = Gauge("bus_held", "Deliveries held by this process", ["durable"])
DEAD: Final = Counter("bus_dead_letters_total", "Deliveries given up", ["durable", "reason"])
OUTBOX_SWEPT: Final = Counter("outbox_swept_total", "Aggregates whose events a sweep sent")

# What is counted for every event: the labels are looked up once, not each time.
published = cache(PUBLISHED.labels)
handled = cache(HANDLED.labels)
handle_seconds = cache(HANDLE_SECONDS.labels)
