"""The time of the server: that of the machine, moved forward by tests.

It dates objects and their delayed changes. The retries and the signatures of webhooks and the
expiry of idempotency keys follow the machine, because their counterparts are real.
"""

import sqlite3
import time
from datetime import UTC, datetime

_SCHEMA = """
create table if not exists clock (
    id integer primary key check (id = 1),
    offset_seconds real not null
);
"""


class _Offset:
    seconds = 0.0


def load(connection: sqlite3.Connection) -> None:
    """Continue at the time of an earlier process."""
    connection.executescript(_SCHEMA)
    row = connection.execute("select offset_seconds from clock").fetchone()
    _Offset.seconds = row[0] if row else 0.0


def move(connection: sqlite3.Connection, seconds: float) -> None:
    """Move the time forward."""
    _Offset.seconds += seconds
    connection.execute("insert or replace into clock values (1, ?)", (_Offset.seconds,))


def reset(connection: sqlite3.Connection) -> None:
    """Return to the time of the machine."""
    _Offset.seconds = 0.0
    connection.execute("delete from clock")


def timestamp() -> float:
    """Return the time in seconds since the epoch."""
    return time.time() + _Offset.seconds


def rfc3339(seconds: float) -> str:
    """Return a time as version 2 of the API writes it."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
