"""The queue of webhook deliveries, stored so that a killed process loses none."""

import time
from dataclasses import dataclass

from stripe_local.documents import Document
from stripe_local.store import Store

_SCHEMA = """
create table if not exists deliveries (
    id integer primary key,
    event text not null,
    type text not null,
    endpoint text not null,
    state text not null,
    attempts integer not null default 0,
    due real not null,
    result text
);
create index if not exists deliveries_by_due on deliveries (state, due);
create index if not exists deliveries_by_event on deliveries (event);
create index if not exists deliveries_held on deliveries (endpoint) where state = 'held';
"""


@dataclass(frozen=True)
class Delivery:
    """The delivery of one event to one endpoint."""

    id: int
    event: str
    endpoint: str
    attempts: int


class Deliveries:
    """The deliveries and their states.

    pending: sent when due. held: sent after the next delivery to its endpoint, or when due.
    sending: in flight. delivered, failed, dropped (the endpoint was deleted): final.
    """

    def __init__(self, store: Store) -> None:
        self._connection = store.connection
        self._connection.executescript(_SCHEMA)
        # A killed process may or may not have delivered what was in flight.
        self._connection.execute("update deliveries set state = 'pending' where state = 'sending'")

    def enqueue(
        self, event: Document, endpoint: str, delay: float = 0, *, held: bool = False
    ) -> None:
        """Insert a delivery, in the transaction that emits the event."""
        self._connection.execute(
            "insert into deliveries (event, type, endpoint, state, due) values (?, ?, ?, ?, ?)",
            (
                event["id"],
                event["type"],
                endpoint,
                "held" if held else "pending",
                time.time() + delay,
            ),
        )

    def claim_due(self, limit: int) -> list[Delivery]:
        """Mark due deliveries as in flight, and return them."""
        rows = self._connection.execute(
            "update deliveries set state = 'sending' where id in (select id from deliveries"
            " where state in ('pending', 'held') and due <= ? order by id limit ?)"
            " returning id, event, endpoint, attempts",
            (time.time(), limit),
        ).fetchall()
        return [Delivery(*row) for row in sorted(rows)]

    def next_due(self) -> float | None:
        """Return when the next delivery is due."""
        sql = "select min(due) from deliveries where state in ('pending', 'held')"
        return self._connection.execute(sql).fetchone()[0]

    def mark_delivered(self, delivery: Delivery, result: str) -> None:
        """Mark a delivery as delivered, and release the held ones before it."""
        self._update(delivery, "delivered", result)
        self._connection.execute(
            "update deliveries set state = 'pending', due = 0"
            " where state = 'held' and endpoint = ? and id < ?",
            (delivery.endpoint, delivery.id),
        )

    def schedule_retry(self, delivery: Delivery, result: str, delay: float) -> None:
        """Schedule another attempt."""
        self._update(delivery, "pending", result, time.time() + delay)

    def mark_failed(self, delivery: Delivery, result: str, state: str = "failed") -> None:
        """Mark a delivery as given up."""
        self._update(delivery, state, result)

    def _update(
        self, delivery: Delivery, state: str, result: str, due: float | None = None
    ) -> None:
        self._connection.execute(
            "update deliveries set state = ?, result = ?, due = ?, attempts = ? where id = ?",
            (
                state,
                result,
                time.time() if due is None else due,
                delivery.attempts + 1,
                delivery.id,
            ),
        )

    def pending_count(self, event: str) -> int:
        """Return the number of endpoints that have not accepted an event yet."""
        return self._connection.execute(
            "select count(*) from deliveries"
            " where event = ? and state in ('pending', 'held', 'sending')",
            (event,),
        ).fetchone()[0]

    def recent(self, after: int, limit: int) -> list[Document]:
        """Return deliveries with a higher id, oldest first."""
        columns = ("id", "event", "type", "endpoint", "state", "attempts", "due", "result")
        sql = f"select {', '.join(columns)} from deliveries where id > ? order by id limit ?"  # noqa: S608  # our own names
        rows = self._connection.execute(sql, (after, limit)).fetchall()
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def prune(self, retention_seconds: float) -> None:
        """Delete old deliveries in a final state; their events stay."""
        self._connection.execute(
            "delete from deliveries where state in ('delivered', 'failed', 'dropped') and due < ?",
            (time.time() - retention_seconds,),
        )

    def clear(self) -> None:
        """Delete all deliveries."""
        self._connection.execute("delete from deliveries")
