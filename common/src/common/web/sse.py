"""Server-sent events: what changes is shown on every open screen within a fraction of a second.

Each replica follows its own service's stream and keeps the last frames, so that a browser that
reconnects (Last-Event-ID) gets what it missed, and one that missed too much is told to look anew.
Frames are encoded once and handed out in beats: a screen costs one write a beat at the most,
however much is going on. A screen that does not read is dropped; it comes back by itself.

The format: WHATWG HTML, 9.2, Server-sent events.
"""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from fastapi import Header
from fastapi.responses import StreamingResponse
from prometheus_client import Gauge
from pydantic import BaseModel
from starlette.types import Message, Send

from common.background import run_periodically
from common.errors import ServiceUnavailable

FLUSH_INTERVAL_SECONDS: Final = 0.1
"""Seconds between two hand-outs."""
HEARTBEAT_SECONDS: Final = 15.0
REPLAY_BUFFER_SIZE: Final = 2_000
MAX_CONNECTIONS: Final = 5_000
MAX_CONNECTIONS_PER_CLIENT: Final = 12
MAX_QUEUED_FLUSHES: Final = 100
SEND_TIMEOUT_SECONDS: Final = 30.0
"""Seconds that a screen may take nothing, when more waits for it than the network holds."""
MAX_CONNECTION_SECONDS: Final = 15 * 60.0
"""Seconds after which a stream ends and the browser asks again, with the session it then has."""

CONNECTIONS: Final = Gauge("sse_connections", "Open server-sent event connections")

LastEventId = Annotated[
    int | None, Header(alias="Last-Event-ID", ge=0, description="The last event that was seen")
]


def sse_responses() -> dict[int | str, dict[str, Any]]:
    """Document a route that answers with server-sent events."""
    return {200: {"content": {"text/event-stream": {}}}}


@dataclass(frozen=True, slots=True)
class _Frame:
    sequence: int
    audience: str | None
    data: bytes


@dataclass(eq=False, slots=True)
class _Connection:
    user: str | None
    queue: asyncio.Queue[bytes | None] = field(
        default_factory=lambda: asyncio.Queue(MAX_QUEUED_FLUSHES)
    )


class _SseResponse(StreamingResponse):
    """A stream that ends when its reader takes nothing any more."""

    async def stream_response(self, send: Send) -> None:
        async def send_with_timeout(message: Message) -> None:
            async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                await send(message)

        async with contextlib.aclosing(self.body_iterator):  # pyright: ignore[reportArgumentType]  # it is our generator
            with contextlib.suppress(TimeoutError):
                await super().stream_response(send_with_timeout)


class EventBroadcaster:
    """What a service tells the screens that look at it."""

    def __init__(self) -> None:
        self._replay_buffer: deque[_Frame] = deque(maxlen=REPLAY_BUFFER_SIZE)
        self._unsent: list[_Frame] = []
        self._connections: set[_Connection] = set()
        self._connections_by_client: Counter[str] = Counter()
        self._closed = False

    def publish(
        self, name: str, body: BaseModel, sequence: int, *, audience: str | None = None
    ) -> None:
        """Show a change.

        Args:
            name: the event's name, such as `ticket`.
            body: what the thing is now.
            sequence: its place in the stream; the event's id.
            audience: the only user to see it; None for everybody.
        """
        data = f"id: {sequence}\nevent: {name}\ndata: {body.model_dump_json()}\n\n".encode()
        frame = _Frame(sequence, audience, data)
        self._replay_buffer.append(frame)
        self._unsent.append(frame)

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncGenerator[None]:
        """Hand out, beat by beat, while the service runs."""
        async with run_periodically(FLUSH_INTERVAL_SECONDS, self._flush, name="live"):
            yield
        self.close()

    def close(self) -> None:
        """End every stream, so that a stopping process need not wait for them.

        One that is still asked for ends at once: its screen comes back, to another replica.
        """
        self._closed = True
        for connection in self._connections:
            self._disconnect(connection)

    async def _flush(self) -> None:
        if self._unsent:
            frames, self._unsent = self._unsent, []
            self._broadcast(frames)

    def _broadcast(self, frames: list[_Frame]) -> None:
        public = b"".join(frame.data for frame in frames if frame.audience is None)
        private: dict[str, bytes] = {}
        for frame in frames:
            if frame.audience is not None:
                private[frame.audience] = private.get(frame.audience, b"") + frame.data
        for connection in self._connections:
            payload = public + private.get(connection.user or "", b"")
            if not payload:
                continue
            try:
                connection.queue.put_nowait(payload)
            except asyncio.QueueFull:
                self._disconnect(connection)

    @staticmethod
    def _disconnect(connection: _Connection) -> None:
        with contextlib.suppress(asyncio.QueueEmpty):
            while True:
                connection.queue.get_nowait()
        connection.queue.put_nowait(None)

    def stream(
        self,
        *,
        client: str,
        user: str | None = None,
        last_event_id: int | None = None,
        is_authorized: Callable[[], bool] = lambda: True,
    ) -> StreamingResponse:
        """Open a stream of events to one screen.

        Args:
            client: whose screens are counted together: a user, or an address.
            user: who looks, where events have an audience.
            last_event_id: the last event this screen has seen.
            is_authorized: asked at each heartbeat; the stream ends when it says no.

        Raises:
            Unavailable: too many screens already, here or of this one.
        """
        if (
            len(self._connections) >= MAX_CONNECTIONS
            or self._connections_by_client[client] >= MAX_CONNECTIONS_PER_CLIENT
        ):
            raise ServiceUnavailable("Too many open screens", retry_after=5)
        connection = _Connection(user)
        connection.queue.put_nowait(b"retry: 1000\n\n" + self._replay_since(user, last_event_id))
        if self._closed:
            connection.queue.put_nowait(None)
        self._connections.add(connection)
        self._connections_by_client[client] += 1
        CONNECTIONS.set(len(self._connections))
        return _SseResponse(
            self._frames(connection, client, is_authorized),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    def _replay_since(self, user: str | None, last_event_id: int | None) -> bytes:
        if last_event_id is None:
            return b""
        if not self._replay_buffer or self._replay_buffer[0].sequence > last_event_id + 1:
            return b"event: reset\ndata: {}\n\n"
        return b"".join(
            frame.data
            for frame in self._replay_buffer
            if frame.sequence > last_event_id and frame.audience in {None, user}
        )

    async def _frames(
        self, connection: _Connection, client: str, is_authorized: Callable[[], bool]
    ) -> AsyncGenerator[bytes]:
        deadline = asyncio.get_running_loop().time() + MAX_CONNECTION_SECONDS
        try:
            while is_authorized() and asyncio.get_running_loop().time() < deadline:
                try:
                    payload = await asyncio.wait_for(connection.queue.get(), HEARTBEAT_SECONDS)
                except TimeoutError:
                    payload = b": still here\n\n"
                if payload is None:
                    return
                yield payload
        finally:
            self._connections.discard(connection)
            self._connections_by_client[client] -= 1
            if not self._connections_by_client[client]:
                del self._connections_by_client[client]
            CONNECTIONS.set(len(self._connections))
