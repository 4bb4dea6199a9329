"""What is measured at the moment Prometheus asks: how much waits, and how much is in use.

Each is one look at metadata or at an index that holds only what waits, never a walk through a
collection. Replicas of a service tell the same of what they share; take the maximum.
"""

import asyncio
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from prometheus_client import Counter, Gauge
from pymongo.errors import PyMongoError

from common.messaging.bus import Bus
from common.messaging.connection import DEAD_LETTERS, NATS_ERRORS
from common.persistence.outbox import Relay

log = structlog.get_logger("gauges")

PATIENCE: Final = 2.0
MOST: Final = 100_000
"""Counting stops here: whether it is more makes no difference to what has to be done."""
EVER: Final = datetime(2000, 1, 1, tzinfo=UTC)

OUTBOX: Final = Gauge("outbox_waiting", "Aggregates with unpublished events", ["collection"])
OUTBOX_AGE: Final = Gauge("outbox_age_seconds", "Age of the oldest such event", ["collection"])
DOCUMENTS: Final = Gauge("store_documents", "Aggregates stored, about", ["collection"])
PENDING: Final = Gauge("bus_consumer_pending", "Events not delivered yet", ["durable"])
UNACKED: Final = Gauge("bus_consumer_unacked", "Events delivered, not yet judged", ["durable"])
REDELIVERING: Final = Gauge(
    "bus_consumer_redelivering", "Of those, not the first time", ["durable"]
)
DEAD: Final = Gauge(
    "bus_dead_letters_waiting", "Dead letters that wait for an operator", ["durable"]
)
CONNECTIONS: Final = Gauge("mongo_pool_connections", "Connections to MongoDB", ["state"])
UNKNOWN: Final = Counter("gauges_unknown_total", "Scrapes that could not see a store", ["store"])
for _store in ("mongodb", "nats"):  # 0 from the start: Prometheus would not see a first step
    UNKNOWN.labels(_store)


class Gauges:
    """Sets the gauges of one service's process."""

    def __init__(self, bus: Bus, relay: Relay) -> None:
        self._bus = bus
        self._relay = relay

    async def refresh(self) -> None:
        """Look at everything once; what cannot be seen in time keeps its last value."""
        looks = {"mongodb": self._stores, "nats": self._consumers}
        for store, look in looks.items():
            try:
                async with asyncio.timeout(PATIENCE):
                    await look()
            except (PyMongoError, *NATS_ERRORS) as error:
                UNKNOWN.labels(store).inc()
                log.warning("not measured", store=store, error=repr(error))

    async def _stores(self) -> None:
        now = self._relay.clock()
        if self._relay.collections:  # before we need a connection ourselves: there may be none
            _pool(self._relay.collections[0].database.client)
        waiting = {"outbox.0": {"$exists": True}, "outbox.at": {"$gt": EVER}}
        for collection in self._relay.collections:
            name = collection.name
            count = await collection.count_documents(waiting, hint="outbox", limit=MOST)
            oldest = None
            if count:
                oldest = await collection.find_one(
                    waiting, {"outbox.at": 1}, sort=[("outbox.at", 1)], hint="outbox"
                )
            moments = [entry["at"] for entry in oldest["outbox"]] if oldest else []
            age = (now - min(moments)).total_seconds() if moments else 0.0
            OUTBOX.labels(name).set(count)
            OUTBOX_AGE.labels(name).set(max(age, 0.0))
            DOCUMENTS.labels(name).set(await collection.estimated_document_count())

    async def _consumers(self) -> None:
        subjects = self._bus.connection.subject("dead.>")
        letters = await self._bus.connection.js.stream_info(
            self._bus.connection.stream(DEAD_LETTERS), subjects
        )
        dead = letters.state.subjects or {}
        for durable in self._bus.durables:
            name = durable.name
            info = await durable.info()
            PENDING.labels(name).set(info.num_pending or 0)
            UNACKED.labels(name).set(info.num_ack_pending or 0)
            REDELIVERING.labels(name).set(info.num_redelivered or 0)
            DEAD.labels(name).set(dead.get(self._bus.connection.subject(f"dead.{name}"), 0))


def _pool(client: Any) -> None:
    """Count connections by what they do; PyMongo tells it only to listeners of each checkout."""
    servers = client._topology._servers.values()  # noqa: SLF001 - a listener costs every operation
    CONNECTIONS.labels("in use").set(sum(server.pool.active_sockets for server in servers))
    CONNECTIONS.labels("idle").set(sum(len(server.pool.conns) for server in servers))
