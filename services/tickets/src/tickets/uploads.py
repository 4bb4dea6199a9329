"""Receiving an uploaded file: slowly enough for a telephone, and never so that others wait for it.

Each upload has a place in the memory of the process from its first byte until its response. When
all are taken, a new upload takes the place of the slowest one that is still arriving, or gets 503.
So to keep the places from others, one must send faster than they do.
"""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from fastapi import Request
from starlette.types import Message, Receive

from common.errors import (
    RequestTimeout,
    ServiceUnavailable,
    TooManyRequests,
    UnsupportedMediaType,
)
from common.web.request_body import check_declared_length, read_until_complete
from tickets.store.daily_limits import DailyLimit
from tickets.ticket_files import MEDIA_TYPES, ONLY_THESE_TYPES

REQUESTS: Final = re.compile(r"PUT /api/tickets/[0-9a-f]{24}/file")
"""The requests whose bodies are received here."""
MAX_FILE_BYTES: Final = 5 * 1024 * 1024
MAX_UPLOADS: Final = 4
TIMEOUT_SECONDS: Final = 120
MIN_BYTES_PER_SECOND: Final = 16 * 1024
GRACE_SECONDS: Final = 5
"""The rate is required after this."""
DISPLACED_AFTER_SECONDS: Final = 1
"""A younger upload keeps its place."""
MAX_PAUSE_SECONDS: Final = 10
"""Between two pieces, as in the gateways."""
RETRY_AFTER_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was sent."""

    data: bytes
    media_type: str


@dataclass(eq=False, slots=True)
class _Arrival:
    """An upload in progress."""

    started_at: float
    received: int = 0
    timeout: asyncio.Timeout | None = field(default=None)
    """None before the first byte is awaited, and when all have arrived."""

    def deadline(self, now: float) -> float:
        """Return until when the next piece must arrive."""
        return min(
            self.started_at + TIMEOUT_SECONDS,
            self.started_at + GRACE_SECONDS + self.received / MIN_BYTES_PER_SECOND,
            now + MAX_PAUSE_SECONDS,
        )


class Uploads:
    """The uploads that a process receives at a time."""

    def __init__(self, limit: DailyLimit) -> None:
        self._limit = limit
        self._arrivals: dict[str, _Arrival] = {}
        """By the account, each of which has one place."""

    @asynccontextmanager
    async def receive(self, request: Request, *, user_id: str) -> AsyncGenerator[Upload]:
        """Receive the body of a request, which keeps its place until the end of the block.

        Raises:
            UnsupportedMediaType: it is no type of a ticket file.
            PayloadTooLarge: it is longer than `MAX_FILE_BYTES`.
            TooManyRequests: the user uploads another file, or has uploaded many today.
            ServiceUnavailable: all places are taken.
            RequestTimeout: the file arrives too slowly.
        """
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in MEDIA_TYPES:
            raise UnsupportedMediaType(ONLY_THESE_TYPES, field="file")
        check_declared_length(request.scope, MAX_FILE_BYTES)
        if user_id in self._arrivals:
            raise TooManyRequests("You are uploading another file", retry_after=RETRY_AFTER_SECONDS)
        if len(self._arrivals) >= MAX_UPLOADS:
            self._displace_slowest()
        arrival = _Arrival(asyncio.get_running_loop().time())
        self._arrivals[user_id] = arrival
        try:
            await self._limit.record(user_id)
            yield Upload(await _read(request.receive, arrival), media_type)
        finally:
            if self._arrivals.get(user_id) is arrival:
                del self._arrivals[user_id]

    def _displace_slowest(self) -> None:
        """End the slowest upload.

        Raises:
            ServiceUnavailable: each upload is complete, or in its first seconds.
        """
        now = asyncio.get_running_loop().time()
        arriving = {
            user_id: arrival.received / (now - arrival.started_at)
            for user_id, arrival in self._arrivals.items()
            if arrival.timeout is not None and now - arrival.started_at > DISPLACED_AFTER_SECONDS
        }
        if not arriving:
            raise ServiceUnavailable(
                "Many files are being uploaded, please try again", retry_after=RETRY_AFTER_SECONDS
            )
        slowest = self._arrivals.pop(min(arriving, key=arriving.__getitem__))
        if slowest.timeout is not None and not slowest.timeout.expired():
            slowest.timeout.reschedule(0)


async def _read(receive: Receive, arrival: _Arrival) -> bytes:
    clock = asyncio.get_running_loop().time

    async def receive_in_time() -> Message:
        message = await receive()
        arrival.received += len(message.get("body", b""))
        timeout.reschedule(arrival.deadline(clock()))
        return message

    try:
        async with asyncio.timeout_at(arrival.deadline(clock())) as timeout:
            arrival.timeout = timeout
            try:
                return await read_until_complete(receive_in_time, MAX_FILE_BYTES)
            finally:
                arrival.timeout = None
    except TimeoutError:
        raise RequestTimeout("The file arrives too slowly", field="file") from None
