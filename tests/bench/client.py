"""A thin HTTP client: many buyers must fit beside what they are served by, on two cores."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

from bench.wrk import request

PATIENCE = 30.0
NO_BODY = frozenset({204, 304})


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


class Connection:
    """One kept-alive connection to one port of this machine; one request at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

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

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect, unless it is already."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        return self._streams

    def close(self) -> None:
        """Drop the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def ask(self, method: str, path: str, body: object = None, cookie: str = "") -> Answer:
        """Send a request and wait for its answer."""
        raw = request(method, path, body, **({"Cookie": cookie} if cookie else {}))
        began = time.perf_counter()
        try:
            async with asyncio.timeout(PATIENCE):
                reader, writer = await self.connect()
                writer.write(raw)
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.strip().split("\r\n")
                status = int(first.split(" ", 2)[1])
                headers = {n.lower(): v for n, _, v in (line.partition(": ") for line in lines)}
                length = 0 if status in NO_BODY else int(headers["content-length"])
                content = await reader.readexactly(length)
        except BaseException:
            self.close()
            raise
        if headers.get("connection") == "close":
            self.close()
        return Answer(status, headers, content, time.perf_counter() - began)


def quantile(values: list[float], part: float) -> float:
    """Give the value below which that part of all lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
