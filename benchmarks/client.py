"""A minimal HTTP client, because the load generator shares two cores with the system."""

import asyncio
import json
import re
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Self

from benchmarks.wrk import request

RESPONSE_TIMEOUT_SECONDS: Final = 30.0
LENGTH: Final = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Response:
    """A response and how many seconds it took."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:
        """The parsed body."""
        return json.loads(self.body)


class Connection(asyncio.Protocol):
    """A keep-alive connection to a local port that sends one request at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._transport: asyncio.Transport | None = None
        self._response_future: asyncio.Future[None] | None = None
        self._buffer = bytearray()
        self._head_end = self._response_end = 0

    @classmethod
    @asynccontextmanager
    async def open(cls, port: int) -> AsyncGenerator[Self]:
        """Open a connection for the duration of the block."""
        connection = cls(port)
        try:
            await connection.connect()
            yield connection
        finally:
            connection.close()

    async def connect(self) -> asyncio.Transport:
        """Connect unless already connected."""
        if self._transport is None:
            loop = asyncio.get_running_loop()
            self._transport, _ = await loop.create_connection(lambda: self, "127.0.0.1", self._port)
        return self._transport

    def close(self) -> None:
        """Drop the connection."""
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    def data_received(self, data: bytes) -> None:
        """Buffer the data and complete the response once its Content-Length has arrived."""
        self._buffer += data
        if not self._head_end:
            self._head_end = self._buffer.find(b"\r\n\r\n") + 4
            if self._head_end < 4:
                self._head_end = 0
                return
            content_length = LENGTH.search(self._buffer, 0, self._head_end)
            self._response_end = self._head_end + (int(content_length[1]) if content_length else 0)
        if (
            len(self._buffer) >= self._response_end
            and self._response_future
            and not self._response_future.done()
        ):
            self._response_future.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the pending request. The next one connects again."""
        self._transport = None
        if self._response_future and not self._response_future.done():
            self._response_future.set_exception(
                exc or ConnectionResetError("closed without a response")
            )

    async def send(self, method: str, path: str, body: object = None, cookie: str = "") -> Response:
        """Send a request and wait for its response."""
        payload = request(method, path, body, **({"Cookie": cookie} if cookie else {}))
        started_at = time.perf_counter()
        try:
            async with asyncio.timeout(RESPONSE_TIMEOUT_SECONDS):
                transport = await self.connect()
                self._buffer, self._head_end = bytearray(), 0
                self._response_future = asyncio.get_running_loop().create_future()
                transport.write(payload)
                await self._response_future
        except BaseException:
            self.close()
            raise
        elapsed = time.perf_counter() - started_at
        first, *lines = self._buffer[: self._head_end].decode("latin-1").strip().split("\r\n")
        headers = {n.lower(): v for n, _, v in (line.partition(": ") for line in lines)}
        if headers.get("connection") == "close":
            self.close()
        status = int(first.split(" ", 2)[1])
        return Response(
            status, headers, bytes(self._buffer[self._head_end : self._response_end]), elapsed
        )


def quantile(values: list[float], fraction: float) -> float:
    """Return the value below which the given fraction of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * fraction))]
