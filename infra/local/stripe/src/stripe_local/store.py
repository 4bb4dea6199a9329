"""The SQLite file: each object as JSON, beside the columns that queries need.

Calls need no locks, because all run on one event loop and none awaits between reading and writing.
A transaction makes a call atomic on disk too.
"""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from stripe_local import clock
from stripe_local.documents import PRIVATE, Document, from_json, now, to_json

_SCHEMA = """
pragma journal_mode = wal;
pragma synchronous = normal;  -- survives kill -9; only a power failure can lose the last commits
pragma wal_autocheckpoint = 10000;  -- pages; an object is written several times in its first second
create table if not exists objects (
    seq integer primary key,
    id text not null unique,
    kind text not null,
    created integer not null,
    payment_intent text,
    charge text,
    type text,
    due real,
    document text not null
);
"""
# Added to the files of earlier versions.
_FILTERS = ("transfer_group", "destination", "source", "payout")
_INDEXES = """
create index if not exists by_kind on objects (kind, seq);
create index if not exists by_created on objects (kind, created);
create index if not exists by_intent on objects (payment_intent, kind, seq)
    where payment_intent is not null;
create index if not exists by_charge on objects (charge, kind, seq) where charge is not null;
create index if not exists by_type on objects (kind, type, seq) where type is not null;
create index if not exists by_due on objects (due) where due is not null;
""" + "".join(
    f"create index if not exists by_{name} on objects ({name}, kind, seq)"
    f" where {name} is not null;\n"
    for name in _FILTERS
)
_COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


@dataclass(frozen=True)
class Query:
    """The filters and the page of a list call."""

    kind: str
    limit: int = 10
    equal: dict[str, str] = field(default_factory=dict[str, str])
    types: tuple[str, ...] = ()
    created: dict[str, int] = field(default_factory=dict[str, int])
    older_than: int | None = None
    newer_than: int | None = None


class Store:
    """The objects of the one account of this server."""

    def __init__(self, path: str) -> None:
        # A test that embeds the server creates it in one thread and runs it in another.
        self.connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self.connection.executescript(_SCHEMA)
        columns = {row[1] for row in self.connection.execute("pragma table_info(objects)")}
        for name in _FILTERS:
            if name not in columns:
                self.connection.execute(f"alter table objects add column {name} text")
        self.connection.executescript(_INDEXES)
        clock.load(self.connection)

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Commit what the block writes, or roll it back if the block raises."""
        self.connection.execute("begin immediate")
        try:
            yield
        except BaseException:
            self.connection.execute("rollback")
            raise
        self.connection.execute("commit")

    def get(self, object_id: str, kind: str | None = None) -> Document | None:
        """Return the object with this id, if there is one of this kind."""
        sql = "select kind, document from objects where id = ?"
        row = self.connection.execute(sql, (object_id,)).fetchone()
        return from_json(row[1]) if row and kind in {None, row[0]} else None

    def upsert(self, document: Document) -> Document:
        """Insert or update an object.

        The kind of what belongs to a connected account begins with its id, so that no other account
        finds it.
        """
        private: Document = document.get(PRIVATE, {})
        account: str | None = private.get("account")
        self.connection.execute(
            "insert into objects (id, kind, created, payment_intent, charge, type, due, document,"
            " transfer_group, destination, source, payout)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " on conflict (id) do update set due = excluded.due, document = excluded.document,"
            " transfer_group = excluded.transfer_group, payout = excluded.payout",
            (
                document["id"],
                f"{account}/{document['object']}" if account else document["object"],
                private.get("created") or document.get("created", now()),
                document.get("payment_intent"),
                document.get("charge"),
                document.get("type"),
                private.get("due"),
                to_json(document),
                document.get("transfer_group"),
                document.get("destination"),
                private.get("source") or document.get("source"),
                private.get("payout"),
            ),
        )
        return document

    def delete(self, object_id: str) -> None:
        """Delete an object."""
        self.connection.execute("delete from objects where id = ?", (object_id,))

    def clear(self) -> None:
        """Delete all objects."""
        self.connection.execute("delete from objects")

    def position(self, object_id: str, kind: str) -> int | None:
        """Return the sequence number of an object."""
        sql = "select seq from objects where id = ? and kind = ?"
        row = self.connection.execute(sql, (object_id, kind)).fetchone()
        return row[0] if row else None

    def page(self, query: Query) -> tuple[list[Document], bool]:
        """Return a page of objects, newest first, and whether there are more."""
        where, values = _where_clause(query)
        direction = "asc" if query.newer_than is not None else "desc"
        # Only words of this module are formatted in; what callers send is bound as values.
        sql = f"select document from objects where {where} order by seq {direction} limit ?"  # noqa: S608
        rows = self.connection.execute(sql, (*values, query.limit + 1)).fetchall()
        found: list[Document] = [from_json(row[0]) for row in rows[: query.limit]]
        if query.newer_than is not None:
            found.reverse()
        return found, len(rows) > query.limit

    def list_after(self, kind: str, seq: int, limit: int) -> list[tuple[int, Document]]:
        """Return objects of a kind with a higher sequence number, oldest first."""
        sql = "select seq, document from objects where kind = ? and seq > ? order by seq limit ?"
        rows = self.connection.execute(sql, (kind, seq, limit)).fetchall()
        return [(row[0], from_json(row[1])) for row in rows]

    def list_without_payout(self, kind: str) -> list[Document]:
        """Return the balance transactions of an account that no payout has paid out."""
        sql = "select document from objects where kind = ? and payout is null order by seq"
        return [from_json(row[0]) for row in self.connection.execute(sql, (kind,)).fetchall()]

    def next_due(self) -> float | None:
        """Return when the next delayed change is due."""
        sql = "select min(due) from objects where due is not null"
        return self.connection.execute(sql).fetchone()[0]

    def list_due(self, timestamp: float) -> list[Document]:
        """Return objects whose delayed change is due."""
        sql = "select document from objects where due <= ? order by due limit 100"
        return [from_json(row[0]) for row in self.connection.execute(sql, (timestamp,)).fetchall()]

    def counts(self) -> dict[str, int]:
        """Return the number of objects of each kind."""
        sql = (
            "select substr(kind, instr(kind, '/') + 1) as name, count(*) from objects group by name"
        )
        return dict(self.connection.execute(sql).fetchall())


def _where_clause(query: Query) -> tuple[str, list[Any]]:
    clauses, values = ["kind = ?"], list[Any]([query.kind])
    for column, value in query.equal.items():
        clauses.append(f"{column} = ?")
        values.append(value)
    if query.types:
        clauses.append(f"type in ({', '.join('?' * len(query.types))})")
        values.extend(query.types)
    for name, timestamp in query.created.items():
        clauses.append(f"created {_COMPARISONS[name]} ?")
        values.append(timestamp)
    if query.older_than is not None:
        clauses.append("seq < ?")
        values.append(query.older_than)
    if query.newer_than is not None:
        clauses.append("seq > ?")
        values.append(query.newer_than)
    return " and ".join(clauses), values
