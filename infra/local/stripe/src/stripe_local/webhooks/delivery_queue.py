"""Webhook deliveries that are owed: one row for each, so that a killed process forgets none."""

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
    """One event on its way to one endpoint."""

    id: int
    event: str
    endpoint: str
    attempts: int


class Deliveries:
    """The list of what is owed.

    pending: due at its time. held: pending, but let past by the next one that arrives.
    sending: under way. delivered, failed, dropped (its endpoint is gone): over.
    """

    def __init__(self, store: Store) -> None:
        self._connection = store.connection
        self._connection.executescript(_SCHEMA)
        # What a killed process was sending may or may not have arrived: send it again.
        self._connection.execute("update deliveries set state = 'pending' where state = 'sending'")

    def enqueue(
        self, event: Document, endpoint: str, delay: float = 0, *, held: bool = False
    ) -> None:
        """Put an event on its way; part of the transaction that made it."""
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
        """Those whose time has come, now under way."""
        rows = self._connection.execute(
            "update deliveries set state = 'sending' where id in (select id from deliveries"
            " where state in ('pending', 'held') and due <= ? order by id limit ?)"
            " returning id, event, endpoint, attempts",
            (time.time(), limit),
        ).fetchall()
        return [Delivery(*row) for row in sorted(rows)]

    def next_due(self) -> float | None:
        """When the next one is to go."""
        sql = "select min(due) from deliveries where state in ('pending', 'held')"
        return self._connection.execute(sql).fetchone()[0]

    def mark_delivered(self, delivery: Delivery, result: str) -> None:
        """It was taken; whatever it was to overtake may follow now."""
        self._update(delivery, "delivered", result)
        self._connection.execute(
            "update deliveries set state = 'pending', due = 0"
            " where state = 'held' and endpoint = ? and id < ?",
            (delivery.endpoint, delivery.id),
        )

    def schedule_retry(self, delivery: Delivery, result: str, delay: float) -> None:
        """It was not taken: again later."""
        self._update(delivery, "pending", result, time.time() + delay)

    def mark_failed(self, delivery: Delivery, result: str, state: str = "failed") -> None:
        """It was not taken, and will not be sent again."""
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
        """How many endpoints have not taken an event yet."""
        return self._connection.execute(
            "select count(*) from deliveries"
            " where event = ? and state in ('pending', 'held', 'sending')",
            (event,),
        ).fetchone()[0]

    def recent(self, after: int, limit: int) -> list[Document]:
        """The list as an onlooker sees it, oldest first."""
        columns = ("id", "event", "type", "endpoint", "state", "attempts", "due", "result")
        sql = f"select {', '.join(columns)} from deliveries where id > ? order by id limit ?"  # noqa: S608  # our own names
        rows = self._connection.execute(sql, (after, limit)).fetchall()
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def prune(self, retention_seconds: float) -> None:
        """Drop what has been over for a while; the events themselves stay."""
        self._connection.execute(
            "delete from deliveries where state in ('delivered', 'failed', 'dropped') and due < ?",
            (time.time() - retention_seconds,),
        )

    def clear(self) -> None:
        """Drop all of them."""
        self._connection.execute("delete from deliveries")
