"""The Idempotency-Key header: a repeated request of a user gets the first response.

The first request claims the key together with the id of the resource it will create. Its response
is stored for a day. A concurrent copy waits for that response. If the process dies before storing
it, the next copy takes over the claim and uses the same id, so nothing is created twice. A response
that says that nothing was done leaves nothing behind, and a user has a bounded number of keys.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import structlog
from beanie import Document
from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pymongo import IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError, PyMongoError

from common.auth.tokens import User
from common.errors import ApiError, BadRequest, Conflict, TooManyRequests
from common.persistence.mongo import collection_of
from common.values.clock import utc_now
from common.values.ids import new_id
from common.web.authentication import SAFE_METHODS
from common.web.errors import error_response

log = structlog.get_logger("idempotency")

HEADER: Final = "idempotency-key"
MAX_KEY_LENGTH: Final = 255
RETENTION: Final = timedelta(days=1)
LEASE: Final = timedelta(seconds=30)
WAIT_SECONDS: Final = 5.0
POLL_SECONDS: Final = 0.05
MAX_POLL_SECONDS: Final = 0.8
"""The interval doubles up to this, because a user may send many copies of a slow request."""
_STORED_HEADERS: Final = frozenset({"content-type", "etag", "location"})
_SERVER_ERROR: Final = 500
_ACCEPTED: Final = 202
_WITHOUT_EFFECT: Final = frozenset({401, 403, 404, 409, 429})
"""Responses that are not final and changed nothing, so the key is forgotten.

403 is among them because an account may be suspended for a time, and 404 because an event about a
new resource may not have arrived yet.
"""
MAX_STORED_BODY_BYTES: Final = 16 * 1024
MAX_KEYS_PER_USER: Final = 1_000
"""Keys of one user that may be stored, about a day's."""
KEYS_BETWEEN_CHECKS: Final = 50
"""How many keys of a user a process claims until it counts the stored ones."""
MAX_COUNTED_USERS: Final = 10_000
RETRY_AFTER_SECONDS: Final = 3_600


class IdempotencyRecord(Document):
    """A claimed key: the request's fingerprint, the id for its resource, and the final response."""

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
        indexes = [IndexModel("at", expireAfterSeconds=int(RETENTION.total_seconds()))]


async def claimed_or_new_id(request: Request) -> str:
    """Return the id of the resource to create: the claimed one if a key was sent."""
    claimed: str | None = getattr(request.state, "claimed_id", None)
    return claimed or new_id()


NewId = Annotated[str, Depends(claimed_or_new_id)]

_Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class IdempotentRoute(APIRoute):
    """A route whose writes honour the Idempotency-Key header."""

    def get_route_handler(self) -> _Handler:
        """Return FastAPI's handler, executed once per key."""
        handler = super().get_route_handler()
        budget = KeyBudget()

        async def handle(request: Request) -> Response:
            key = request.headers.get(HEADER)
            user: User | None = request.state.user
            if key is None or user is None or request.method in SAFE_METHODS:
                return await handler(request)
            if not 1 <= len(key) <= MAX_KEY_LENGTH:
                raise BadRequest("Idempotency-Key must have 1 to 255 characters")
            await budget.spend(user.id)
            return await _execute_once(request, f"{user.id}:{key}", handler)

        return handle


class KeyBudget:
    """Limits the stored keys of a user. Few have many keys, so they are counted now and then."""

    def __init__(self) -> None:
        self._unchecked: OrderedDict[str, int] = OrderedDict()

    async def spend(self, user_id: str) -> None:
        """Note that a user sends a key.

        Raises:
            TooManyRequests: the user has `MAX_KEYS_PER_USER` keys.
        """
        unchecked = self._unchecked.pop(user_id, 0) + 1
        if unchecked >= KEYS_BETWEEN_CHECKS:
            stored = await collection_of(IdempotencyRecord).count_documents(
                _keys_of(user_id), limit=MAX_KEYS_PER_USER
            )
            is_exceeded = stored >= MAX_KEYS_PER_USER
            unchecked = KEYS_BETWEEN_CHECKS if is_exceeded else 0
        else:
            is_exceeded = False
        self._unchecked[user_id] = unchecked
        if len(self._unchecked) > MAX_COUNTED_USERS:
            self._unchecked.popitem(last=False)
        if is_exceeded:
            raise TooManyRequests("Too many Idempotency-Keys", retry_after=RETRY_AFTER_SECONDS)


async def forget_user(user_id: str) -> None:
    """Delete the keys of a user and the responses stored under them."""
    await collection_of(IdempotencyRecord).delete_many(_keys_of(user_id))


def _keys_of(user_id: str) -> dict[str, Any]:
    return {"_id": {"$gt": f"{user_id}:", "$lt": f"{user_id};"}}


async def _execute_once(request: Request, record_id: str, handler: _Handler) -> Response:
    body = await request.body()
    fingerprint_input = f"{request.method} {request.url.path}\n".encode() + body
    fingerprint = hashlib.sha256(fingerprint_input).hexdigest()
    record = await _claim_or_wait(record_id, fingerprint)
    if record.status is not None:
        stored = Response(record.body, record.status, record.headers)
        stored.headers["Idempotent-Replayed"] = "true"
        return stored
    request.state.claimed_id = record.new_id
    try:
        response = await handler(request)
    except ApiError as api_error:
        response = error_response(api_error)
    except RequestValidationError:
        await _forget(record)
        raise
    except BaseException:
        await _release(record_id)
        raise
    status = response.status_code
    if status in _WITHOUT_EFFECT:
        await _forget(record)
    elif (
        status == _ACCEPTED or status >= _SERVER_ERROR or len(response.body) > MAX_STORED_BODY_BYTES
    ):
        await _release(record_id)
    else:
        await _store(record_id, response)
    return response


async def _claim_or_wait(record_id: str, fingerprint: str) -> IdempotencyRecord:
    """Return the claimed record, or the record with the response of an earlier request."""
    deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
    interval = POLL_SECONDS
    while True:
        record, acquired = await _claim(record_id, fingerprint)
        if record.fingerprint != fingerprint:
            raise BadRequest("This Idempotency-Key was used for another request")
        if acquired or record.status is not None:
            return record
        if asyncio.get_running_loop().time() > deadline:
            raise Conflict("A request with this Idempotency-Key is in progress", retry_after=1)
        await asyncio.sleep(interval)
        interval = min(2 * interval, MAX_POLL_SECONDS)


async def _store(record_id: str, response: Response) -> None:
    headers = {k: v for k, v in response.headers.items() if k in _STORED_HEADERS}
    result = {"status": response.status_code, "body": bytes(response.body), "headers": headers}
    try:
        await collection_of(IdempotencyRecord).update_one({"_id": record_id}, {"$set": result})
    except PyMongoError as error:  # the next copy finds the resource under the same id
        log.warning("idempotent response not stored", error=repr(error))


async def _claim(record_id: str, fingerprint: str) -> tuple[IdempotencyRecord, bool]:
    """Claim the key. Returns the record and whether this request must execute it."""
    records = collection_of(IdempotencyRecord)
    now = utc_now()
    claim = {"fingerprint": fingerprint, "new_id": new_id(), "at": now, "until": now + LEASE}
    try:
        await records.insert_one({"_id": record_id, **claim})
    except DuplicateKeyError:
        taken_over = await records.find_one_and_update(
            {"_id": record_id, "fingerprint": fingerprint, "status": None, "until": {"$lt": now}},
            {"$set": {"until": now + LEASE}},
            return_document=ReturnDocument.AFTER,
        )
        if taken_over is not None:
            return IdempotencyRecord.model_validate(taken_over), True
        found = await records.find_one({"_id": record_id})
        if found is None:  # released in between
            return await _claim(record_id, fingerprint)
        return IdempotencyRecord.model_validate(found), False
    return IdempotencyRecord.model_validate({"_id": record_id, **claim}), True


async def _forget(record: IdempotencyRecord) -> None:
    """Delete the claim of a request that did nothing.

    A claim that was taken over is only released: its first request may still be running, and would
    create its resource under the id of the claim.
    """
    if record.until - record.at == LEASE:
        await collection_of(IdempotencyRecord).delete_one(
            {"_id": record.id, "status": None, "until": record.until}
        )
    else:
        await _release(record.id)


async def _release(record_id: str) -> None:
    """Release the claim, so that the next copy executes immediately with the same id."""
    await collection_of(IdempotencyRecord).update_one(
        {"_id": record_id, "status": None}, {"$set": {"until": utc_now() - LEASE}}
    )
