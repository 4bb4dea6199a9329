"""A thin HTTP client: many buyers must fit beside what they are served by, on two cores."""

import asyncio
import json
import re
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Self

from benchmarks.wrk import request

PATIENCE: Final = 30.0
LENGTH: Final = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and how many seconds it took."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


class Connection(asyncio.Protocol):
    """One kept-alive connection to one port of this machine; one request at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._got = bytearray()
        self._head_ends = self._ends = 0

    @classmethod
    @asynccontextmanager
    async def open(cls, port: int) -> AsyncGenerator[Self]:
        """Connect, and close in the end."""
        connection = cls(port)
        try:
            await connection.connect()
            yield connection
        finally:
            connection.close()

    async def connect(self) -> asyncio.Transport:
        """Connect, unless it is already."""
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
        """Note what came; an answer is whole when its head and the length told there are."""
        self._got += data
        if not self._head_ends:
            self._head_ends = self._got.find(b"\r\n\r\n") + 4
            if self._head_ends < 4:
                self._head_ends = 0
                return
            told = LENGTH.search(self._got, 0, self._head_ends)
            self._ends = self._head_ends + (int(told[1]) if told else 0)
        if len(self._got) >= self._ends and self._waiting and not self._waiting.done():
            self._waiting.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits; the next request connects anew."""
        self._transport = None
        if self._waiting and not self._waiting.done():
            self._waiting.set_exception(exc or ConnectionResetError("closed without an answer"))

    async def ask(self, method: str, path: str, body: object = None, cookie: str = "") -> Answer:
        """Send a request and wait for its answer."""
        raw = request(method, path, body, **({"Cookie": cookie} if cookie else {}))
        began = time.perf_counter()
        try:
            async with asyncio.timeout(PATIENCE):
                transport = await self.connect()
                self._got, self._head_ends = bytearray(), 0
                self._waiting = asyncio.get_running_loop().create_future()
                transport.write(raw)
                await self._waiting
        except BaseException:
            self.close()
            raise
        took = time.perf_counter() - began
        first, *lines = self._got[: self._head_ends].decode("latin-1").strip().split("\r\n")
        headers = {n.lower(): v for n, _, v in (line.partition(": ") for line in lines)}
        if headers.get("connection") == "close":
            self.close()
        status = int(first.split(" ", 2)[1])
        return Answer(status, headers, bytes(self._got[self._head_ends : self._ends]), took)


def quantile(values: list[float], part: float) -> float:
    """Give the value below which that part of all lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
