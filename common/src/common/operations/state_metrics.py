"""Gauges that are collected when Prometheus scrapes: backlogs and connections.

Each reads metadata or an index of pending entries, never a whole collection. The replicas of a
service report the same shared values, so dashboards take the maximum.
"""

import asyncio
from datetime import UTC, datetime
from typing import Final

import structlog
from prometheus_client import Counter, Gauge
from pymongo.errors import PyMongoError

from common.messaging.bus import Bus
from common.messaging.connection import DEAD_LETTERS, NATS_ERRORS
from common.persistence.mongo import count_connections
from common.persistence.outbox import Relay

log = structlog.get_logger("state-metrics")

COLLECT_TIMEOUT_SECONDS: Final = 2.0
COUNT_LIMIT: Final = 100_000
"""Counting stops here, because more makes no difference to the operator."""
EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Before any event: a lower bound is required for MongoDB to use the partial index."""

OUTBOX_PENDING: Final = Gauge(
    "outbox_pending_aggregates", "Aggregates with unpublished events", ["collection"]
)
OUTBOX_AGE: Final = Gauge(
    "outbox_age_seconds", "Age of the oldest unpublished event", ["collection"]
)
DOCUMENTS: Final = Gauge("mongo_documents", "Aggregates stored (estimate)", ["collection"])
PENDING: Final = Gauge(
    "jetstream_consumer_num_pending", "Events not yet delivered to the consumer", ["durable"]
)
ACK_PENDING: Final = Gauge(
    "jetstream_consumer_ack_pending", "Events delivered and not yet acknowledged", ["durable"]
)
REDELIVERED: Final = Gauge(
    "jetstream_consumer_redelivered", "Redelivered events not yet acknowledged", ["durable"]
)
DEAD_LETTER_COUNT: Final = Gauge(
    "dead_letters", "Dead letters waiting for an operator", ["durable"]
)
CONNECTIONS: Final = Gauge("mongo_pool_connections", "Connections to MongoDB", ["state"])
COLLECTION_FAILURES: Final = Counter(
    "metrics_collection_failures_total", "Failed collections of state metrics", ["store"]
)
for _store in ("mongodb", "nats"):  # 0 from the start: Prometheus would not see a first step
    COLLECTION_FAILURES.labels(_store)


class StateMetricsCollector:
    """Collects the gauges of one process."""

    def __init__(self, bus: Bus, relay: Relay) -> None:
        self._bus = bus
        self._relay = relay

    async def refresh(self) -> None:
        """Update every gauge. One that cannot be read in time keeps its last value."""
        collectors = {"mongodb": self._collect_stores, "nats": self._collect_consumers}
        for store, collect in collectors.items():
            try:
                async with asyncio.timeout(COLLECT_TIMEOUT_SECONDS):
                    await collect()
            except (PyMongoError, *NATS_ERRORS) as error:
                COLLECTION_FAILURES.labels(store).inc()
                log.warning("metrics collection failed", store=store, error=repr(error))

    async def _collect_stores(self) -> None:
        now = self._relay.clock()
        if self._relay.collections:  # first, because the pool may be exhausted
            in_use, idle = count_connections(self._relay.collections[0])
            CONNECTIONS.labels("in use").set(in_use)
            CONNECTIONS.labels("idle").set(idle)
        pending_filter = {"outbox.0": {"$exists": True}, "outbox.at": {"$gt": EPOCH}}
        for collection in self._relay.collections:
            name = collection.name
            count = await collection.count_documents(
                pending_filter, hint="outbox", limit=COUNT_LIMIT
            )
            oldest = None
            if count:
                oldest = await collection.find_one(
                    pending_filter, {"outbox.at": 1}, sort=[("outbox.at", 1)], hint="outbox"
                )
            oldest_at = (
                min((entry["at"] for entry in oldest["outbox"]), default=now) if oldest else now
            )
            OUTBOX_PENDING.labels(name).set(count)
            OUTBOX_AGE.labels(name).set(max((now - oldest_at).total_seconds(), 0.0))
            DOCUMENTS.labels(name).set(await collection.estimated_document_count())

    async def _collect_consumers(self) -> None:
        connection = self._bus.connection
        stream_info = await connection.js.stream_info(
            connection.stream(DEAD_LETTERS), connection.subject("dead.>")
        )
        dead_letter_counts = stream_info.state.subjects or {}
        for durable in self._bus.durable_consumers:
            name = durable.name
            info = await durable.info()
            PENDING.labels(name).set(info.num_pending or 0)
            ACK_PENDING.labels(name).set(info.num_ack_pending or 0)
            REDELIVERED.labels(name).set(info.num_redelivered or 0)
            dead = dead_letter_counts.get(connection.subject(f"dead.{name}"), 0)
            DEAD_LETTER_COUNT.labels(name).set(dead)
