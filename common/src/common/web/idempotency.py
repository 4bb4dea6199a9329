"""The Idempotency-Key header: the same key and user again gives the first answer again.

The first request with a key claims it, with the id that whatever it creates shall have; its answer
is kept for a day. A copy that comes meanwhile waits for that answer. If the process dies in
between, the next copy takes the claim over and creates under the same id, so nothing is made twice.
"""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import structlog
from beanie import Document
from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from pymongo import IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError, PyMongoError

from common.auth.tokens import User
from common.errors import Failure, InProgress, Invalid
from common.persistence.mongo import collection_of
from common.values.clock import utc_now
from common.values.ids import new_id
from common.web.authentication import SAFE_METHODS
from common.web.errors import failure_response

log = structlog.get_logger("idempotency")

HEADER: Final = "idempotency-key"
MAX_KEY: Final = 255
KEPT: Final = timedelta(days=1)
LEASE: Final = timedelta(seconds=30)
WAIT_SECONDS: Final = 5.0
POLL_SECONDS: Final = 0.05
_SERVER_ERROR: Final = 500
_PASSING: Final = frozenset({202, 401, 404, 409, 429})
"""Answers that are not the last word; the next try with the same key deserves a new one.

Not found is one of them: what another service has just made may not have been heard of yet.
"""


class IdempotencyRecord(Document):
    """A key somebody used: what for, the id it was given, and the answer once there is one."""

    id: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]
    fingerprint: str
    new_id: str
    at: datetime
    until: datetime
    status: int | None = None
    body: bytes | None = None
    headers: dict[str, str] | None = None

    class Settings:
        name = "idempotency"
        indexes = [IndexModel("at", expireAfterSeconds=int(KEPT.total_seconds()))]


async def fresh_id(request: Request) -> str:
    """Give the id for what this request creates: the claimed one, where a key was sent."""
    claimed: str | None = getattr(request.state, "claimed_id", None)
    return claimed or new_id()


NewId = Annotated[str, Depends(fresh_id)]

_Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class IdempotentRoute(APIRoute):
    """A route whose writes honour the Idempotency-Key header."""

    def get_route_handler(self) -> _Handler:
        """Wrap FastAPI's handler."""
        handler = super().get_route_handler()

        async def once(request: Request) -> Response:
            key = request.headers.get(HEADER)
            user: User | None = request.state.user
            if key is None or user is None or request.method in SAFE_METHODS:
                return await handler(request)
            if not 1 <= len(key) <= MAX_KEY:
                raise Invalid("Idempotency-Key must have 1 to 255 characters")
            return await _once(request, f"{user.id}:{key}", handler)

        return once


async def _once(request: Request, record_id: str, handler: _Handler) -> Response:
    body = await request.body()
    about = f"{request.method} {request.url.path}\n".encode() + body
    fingerprint = hashlib.sha256(about).hexdigest()
    deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
    while True:
        record, ours = await _claim(record_id, fingerprint)
        if record.fingerprint != fingerprint:
            raise Invalid("This Idempotency-Key was used for another request")
        if record.status is not None:
            kept = Response(record.body, record.status, record.headers)
            kept.headers["Idempotent-Replayed"] = "true"
            return kept
        if ours:
            break
        if asyncio.get_running_loop().time() > deadline:
            raise InProgress("A request with this Idempotency-Key is in progress", retry_after=1)
        await asyncio.sleep(POLL_SECONDS)
    request.state.claimed_id = record.new_id
    try:
        response = await handler(request)
    except Failure as failure:
        response = failure_response(failure)
    except BaseException:
        await _release(record_id)
        raise
    if response.status_code >= _SERVER_ERROR or response.status_code in _PASSING:
        await _release(record_id)
    else:
        try:
            await _keep(record_id, response)
        except PyMongoError as error:  # done is done: the next copy finds it under the same id
            log.warning("answer given, and not kept", error=repr(error))
    return response


async def _claim(record_id: str, fingerprint: str) -> tuple[IdempotencyRecord, bool]:
    """Claim the key, or see who has: (record, whether it is ours to answer)."""
    records = collection_of(IdempotencyRecord)
    now = utc_now()
    claim = {"fingerprint": fingerprint, "new_id": new_id(), "at": now, "until": now + LEASE}
    try:
        await records.insert_one({"_id": record_id, **claim})
    except DuplicateKeyError:
        taken = await records.find_one_and_update(
            {"_id": record_id, "fingerprint": fingerprint, "status": None, "until": {"$lt": now}},
            {"$set": {"until": now + LEASE}},
            return_document=ReturnDocument.AFTER,
        )
        if taken is not None:
            return IdempotencyRecord.model_validate(taken), True
        found = await records.find_one({"_id": record_id})
        if found is None:  # released in between
            return await _claim(record_id, fingerprint)
        return IdempotencyRecord.model_validate(found), False
    return IdempotencyRecord.model_validate({"_id": record_id, **claim}), True


async def _keep(record_id: str, response: Response) -> None:
    kept = {k: v for k, v in response.headers.items() if k in {"content-type", "etag", "location"}}
    await collection_of(IdempotencyRecord).update_one(
        {"_id": record_id},
        {"$set": {"status": response.status_code, "body": bytes(response.body), "headers": kept}},
    )


async def _release(record_id: str) -> None:
    """Let the next copy try at once, under the same id."""
    await collection_of(IdempotencyRecord).update_one(
        {"_id": record_id, "status": None}, {"$set": {"until": utc_now() - LEASE}}
    )
