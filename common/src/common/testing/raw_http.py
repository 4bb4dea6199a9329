"""HTTP connections whose bytes a test decides, as a broken or hostile client sends them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

TIMEOUT_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class RawResponse:
    """A response with a Content-Length."""

    status: int
    headers: dict[str, str]
    body: bytes


class RawConnection:
    """A connection that sends a request piece by piece."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    @asynccontextmanager
    async def open(cls, address: str, source: str | None = None) -> AsyncGenerator[Self]:
        """Connect to an address such as `http://127.0.0.1:8080`, from a source address."""
        parts = urlsplit(address)
        local = (source, 0) if source else None
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, local_addr=local)
        try:
            yield cls(reader, writer)
        finally:
            writer.transport.abort()

    @classmethod
    @asynccontextmanager
    async def open_many(
        cls, count: int, address: str, source: str | None = None
    ) -> AsyncGenerator[list[Self]]:
        """Open several connections."""
        async with AsyncExitStack() as stack:
            yield [await stack.enter_async_context(cls.open(address, source)) for _ in range(count)]

    async def send(self, data: bytes) -> None:
        """Send these bytes."""
        self._writer.write(data)
        await self._writer.drain()

    async def send_head(self, method: str, path: str, **headers: str) -> None:
        """Send the head of a request. `content_length` becomes `content-length`."""
        lines = [f"{method} {path} HTTP/1.1", "host: raw.test"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.send("\r\n".join([*lines, "", ""]).encode())

    async def read_response(self) -> RawResponse:
        """Wait for a response and return it."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            pairs = (line.partition(":")[::2] for line in head[1:] if line)
            headers = {name.lower(): value.strip() for name, value in pairs}
            body = await self._reader.readexactly(int(headers["content-length"]))
        return RawResponse(int(head[0].split()[1]), headers, body)

    async def wait_until_closed(self) -> None:
        """Wait until the server has closed the connection."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while await self._reader.read(4096):
                pass
