"""Idempotency keys, as https://docs.stripe.com/api/idempotent_requests describes them.

The first result is kept from the moment a call is carried out, failures included. A call that was
refused before that (a bad parameter, another one running) is not remembered.
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
    """A finished result: what the first call with a key was told."""

    status: int
    body: str
    request_id: str


@dataclass(frozen=True)
class Claim:
    """The right to carry out the one call that a key stands for."""

    key: str
    path: str
    fingerprint: str


class IdempotencyKeys:
    """Which calls have been carried out under a key, and which are under way."""

    def __init__(self, store: Store, retention_seconds: float) -> None:
        self._connection = store.connection
        self._connection.executescript(_SCHEMA)
        self._retention_seconds = retention_seconds
        self._in_progress: set[str] = set()

    def claim(self, key: str, path: str, params: Document) -> Claim | StoredResponse:
        """Either the right to go ahead, or the answer that was given the first time."""
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
        """Remember the answer; part of the call's own transaction."""
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
        """The call is no longer under way."""
        self._in_progress.discard(claim.key)

    def prune(self) -> None:
        """Drop keys past their day."""
        oldest = time.time() - self._retention_seconds
        self._connection.execute("delete from idempotency_keys where created < ?", (oldest,))

    def clear(self) -> None:
        """Drop all keys."""
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
