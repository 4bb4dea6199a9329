"""Idempotency keys, as https://docs.stripe.com/api/idempotent_requests describes them.

The first response is stored, including errors. A call that is rejected before it begins (an invalid
parameter, another call in progress) is not stored.
"""

import hashlib
import json
import time
from dataclasses import dataclass

from stripe_local.documents import Document
from stripe_local.errors import RequestRejected
from stripe_local.store import Store

_SCHEMA = """
create table if not exists idempotency_keys (
    key text primary key,
    path text not null,
    fingerprint text not null,
    status integer not null,
    body text not null,
    request text not null,
    created real not null
) without rowid;
create index if not exists keys_by_created on idempotency_keys (created);
"""
_MAX_KEY_LENGTH = 255


@dataclass(frozen=True)
class StoredResponse:
    """The response to the first call with a key."""

    status: int
    body: str
    request_id: str


@dataclass(frozen=True)
class Claim:
    """The right to execute the call of a key."""

    key: str
    path: str
    fingerprint: str


class IdempotencyKeys:
    """The keys of finished calls and of those in progress."""

    def __init__(self, store: Store, retention_seconds: float) -> None:
        self._connection = store.connection
        self._connection.executescript(_SCHEMA)
        self._retention_seconds = retention_seconds
        self._in_progress: set[str] = set()

    def claim(self, key: str, path: str, params: Document) -> Claim | StoredResponse:
        """Return the stored response of a key, or claim the key.

        Raises:
            RequestRejected: the key is too long, in use, or was used for another call.
        """
        if len(key) > _MAX_KEY_LENGTH:
            raise RequestRejected(
                400, f"Keys can be at most {_MAX_KEY_LENGTH} characters.", "idempotency_error"
            )
        if key in self._in_progress:
            raise RequestRejected(
                409,
                "There is currently another in-progress request using this Stripe Idempotent Key "
                "(that probably means you submitted twice, and the other request is still going "
                f"through): {key}. Please try again later.",
                "idempotency_error",
                code="idempotency_key_in_use",
            )
        claim = Claim(key, path, _fingerprint(params))
        sql = (
            "select path, fingerprint, status, body, request from idempotency_keys"
            " where key = ? and created > ?"
        )
        row = self._connection.execute(sql, (key, time.time() - self._retention_seconds)).fetchone()
        if row:
            _reject_mismatch(claim, row[0], row[1])
            return StoredResponse(row[2], row[3], row[4])
        self._in_progress.add(key)
        return claim

    def save(self, claim: Claim, response: StoredResponse) -> None:
        """Store the response, in the transaction of the call."""
        self._connection.execute(
            "insert or replace into idempotency_keys values (?, ?, ?, ?, ?, ?, ?)",
            (
                claim.key,
                claim.path,
                claim.fingerprint,
                response.status,
                response.body,
                response.request_id,
                time.time(),
            ),
        )

    def release(self, claim: Claim) -> None:
        """End a claim."""
        self._in_progress.discard(claim.key)

    def prune(self) -> None:
        """Delete expired keys."""
        oldest = time.time() - self._retention_seconds
        self._connection.execute("delete from idempotency_keys where created < ?", (oldest,))

    def forget(self, older_than_seconds: float, pattern: str) -> int:
        """Delete keys of this age that match a shell-style pattern, and return how many."""
        cursor = self._connection.execute(
            "delete from idempotency_keys where created <= ? and key glob ?",
            (time.time() - older_than_seconds, pattern),
        )
        return cursor.rowcount

    def clear(self) -> None:
        """Delete all keys."""
        self._connection.execute("delete from idempotency_keys")


def _fingerprint(params: Document) -> str:
    return hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()


def _reject_mismatch(claim: Claim, path: str, fingerprint: str) -> None:
    if path != claim.path:
        scope = f"for the same endpoint they were first used for ('{claim.path}' vs '{path}')"
    elif fingerprint != claim.fingerprint:
        scope = "with the same parameters they were first used with"
    else:
        return
    raise RequestRejected(
        400,
        f"Keys for idempotent requests can only be used {scope}. Try using a key other than "
        f"'{claim.key}' if you meant to execute a different request.",
        "idempotency_error",
    )
