"""A proxy that counts the HTTP requests that pass."""

import asyncio
import re
import threading
from collections import Counter
from typing import Final, Self

from ticketing_local.testing.free_ports import free_port

REQUEST_LINE: Final = re.compile(rb"(?:^|\n)(GET|POST|DELETE) (/[^ ?]*)[^ ]* HTTP/1")
STRIPE_ID: Final = re.compile(r"/[a-z]+_[A-Za-z0-9]{8,}")
CHUNK: Final = 65_536


class CountingProxy:
    """Forwards the connections to a local port. `calls` counts requests by method and path."""

    def __init__(self, target: int) -> None:
        self.port: int = free_port()
        self.calls: Counter[str] = Counter()
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="counting proxy")
        self._listening = threading.Event()
        self._stop = asyncio.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        self._listening.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._forward, "127.0.0.1", self.port)
        self._listening.set()
        await self._stop.wait()
        server.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target_reader, target_writer = await asyncio.open_connection("127.0.0.1", self._target)
        await asyncio.gather(
            self._copy(reader, target_writer, count=True),
            self._copy(target_reader, writer, count=False),
            return_exceptions=True,
        )

    async def _copy(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, count: bool
    ) -> None:
        try:
            while chunk := await reader.read(CHUNK):
                if count:
                    for method, path in REQUEST_LINE.findall(chunk):
                        self.calls[f"{method.decode()} {STRIPE_ID.sub('/:id', path.decode())}"] += 1
                writer.write(chunk)
                await writer.drain()
        finally:
            writer.close()
