"""An HTTP/1.1 connection that can send what a correct client never would."""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from common.testing.polling import TIMEOUT_SECONDS

RESPONSE_TIMEOUT_SECONDS = TIMEOUT_SECONDS
CONTINUE = 100


@dataclass(frozen=True)
class RawResponse:
    """A response. Header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the parsed body."""
        return json.loads(self.body)


def request_bytes(
    method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
) -> bytes:
    """Return a request. A body gets its length, unless the headers contain one."""
    fields = {"Host": "localhost", **(headers or {})}
    if body is not None:
        fields = {"Content-Type": "application/json", "Content-Length": str(len(body)), **fields}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


class RawConnection:
    """A connection to the gateway from a chosen address of this machine."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int, source: str = "127.0.0.1") -> Self:
        """Connect to a port of this machine."""
        return cls(*await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0)))

    @classmethod
    @contextlib.asynccontextmanager
    async def open_many(cls, count: int, port: int) -> AsyncGenerator[list[Self]]:
        """Open several connections, which are closed at the end of the block."""
        async with contextlib.AsyncExitStack() as stack:
            yield [await stack.enter_async_context(await cls.open(port)) for _ in range(count)]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    async def send(self, data: bytes) -> None:
        """Send these bytes.

        Raises:
            OSError: the server has closed the connection.
        """
        self._writer.write(data)
        await self._writer.drain()

    async def receive(self, timeout_seconds: float = RESPONSE_TIMEOUT_SECONDS) -> RawResponse:
        """Return the next response.

        Raises:
            OSError: the connection was closed without one, or the time is over.
        """
        async with asyncio.timeout(timeout_seconds):
            try:
                status, headers = await self._head()
                return RawResponse(status, headers, await self._body(headers))
            except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
                raise ConnectionError("no complete response") from error

    async def receive_status(self, timeout_seconds: float = RESPONSE_TIMEOUT_SECONDS) -> int:
        """Return the status of the next response, and leave its body unread.

        Raises:
            OSError: the connection was closed without one, or the time is over.
        """
        async with asyncio.timeout(timeout_seconds):
            try:
                return (await self._head())[0]
            except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
                raise ConnectionError("no complete response") from error

    async def wait_until_closed(self) -> None:
        """Wait until the server has closed the connection, by a reset if it had more to read."""
        async with asyncio.timeout(RESPONSE_TIMEOUT_SECONDS):
            with contextlib.suppress(ConnectionResetError):
                while await self._reader.read(4096):
                    pass

    async def _head(self) -> tuple[int, dict[str, str]]:
        """Return the status and the headers of the next response that is not provisional."""
        while True:
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            if (status := int(head[0][9:12])) != CONTINUE:
                fields = (line.partition(":") for line in head[1:] if line)
                return status, {name.lower(): value.strip() for name, _, value in fields}

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()

    def abort(self) -> None:
        """Close the connection with a reset instead of an end of the stream."""
        transport_socket = self._writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            reset_at_once = struct.pack("ii", 1, 0)
            transport_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset_at_once)
        self._writer.transport.abort()

    async def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding") == "chunked":
            chunks: list[bytes] = []
            while size := int(await self._reader.readuntil(b"\r\n"), 16):
                chunks.append((await self._reader.readexactly(size + 2))[:size])
            await self._reader.readuntil(b"\r\n")
            return b"".join(chunks)
        if (length := headers.get("content-length")) is not None:
            return await self._reader.readexactly(int(length))
        return b""
