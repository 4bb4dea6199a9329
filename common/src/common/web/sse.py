"""Server-sent events: broadcasts a service's changes to browsers.

Each replica consumes its own service's stream and buffers the last frames. A client that
reconnects with Last-Event-ID gets the frames it missed, or a `reset` event if it missed too much.
Events are flushed at most every 100 ms, so a connection costs at most ten writes per second. An
event is encoded once, and only if somebody on this replica receives it: N replicas receive every
event N times. A client that does not read is disconnected; browsers reconnect automatically.
"""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from fastapi import Header
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event
from prometheus_client import Gauge
from pydantic import BaseModel
from starlette.types import Message, Receive, Scope, Send

from common.background import run_periodically
from common.errors import ServiceUnavailable, TooManyRequests
from common.web.sse_frame import Frame

FLUSH_INTERVAL_SECONDS: Final = 0.1
HEARTBEAT_SECONDS: Final = 15.0
REPLAY_BUFFER_SIZE: Final = 2_000
MAX_CONNECTIONS: Final = 5_000
MAX_CONNECTIONS_PER_SESSION: Final = 12
MAX_QUEUED_FLUSHES: Final = 100
MAX_REPLAY_BYTES: Final = 64 * 1024
"""Of missed frames, which each stream keeps a copy of until its client has read them."""
SEND_TIMEOUT_SECONDS: Final = 30.0
"""The time in which a client must read when its network buffers are full."""
MAX_CONNECTION_SECONDS: Final = 15 * 60.0
"""The lifetime of a stream. The browser then reconnects with its current session."""

RETRY_FRAME: Final = format_sse_event(retry=1000)
RESET_FRAME: Final = format_sse_event(event="reset", data_str="{}")

CONNECTIONS: Final = Gauge("sse_connections", "Open server-sent event connections")

SSE_RESPONSE: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"text/event-stream": {}}}}
"""The `responses` argument of a route that streams server-sent events."""

LastEventId = Annotated[
    int | None, Header(alias="Last-Event-ID", ge=0, description="The id of the last received event")
]


@dataclass(eq=False, slots=True)
class _Connection:
    user: str | None
    is_authorized: Callable[[], bool]
    queue: asyncio.Queue[bytes | None] = field(
        default_factory=lambda: asyncio.Queue(MAX_QUEUED_FLUSHES)
    )


class _SseResponse(EventSourceResponse):
    """A stream that ends when its client stops reading, and then frees its place.

    The frames cannot free it, because a generator that was never started runs no `finally`: a
    client may disconnect before its first frame.
    """

    def __init__(
        self,
        frames: AsyncGenerator[bytes],
        *,
        headers: Mapping[str, str],
        free_place: Callable[[], None],
    ) -> None:
        super().__init__(frames, headers=headers)
        self._free_place = free_place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._free_place()

    async def stream_response(self, send: Send) -> None:
        async def send_with_timeout(message: Message) -> None:
            async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                await send(message)

        async with contextlib.aclosing(self.body_iterator):  # pyright: ignore[reportArgumentType]  # our own generator
            with contextlib.suppress(TimeoutError):
                await super().stream_response(send_with_timeout)


class EventBroadcaster:
    """Sends events to the open connections of one process."""

    def __init__(self, *, max_per_network: int = 0) -> None:
        """Create a broadcaster.

        Args:
            max_per_network: the streams that one network may have open; 0 for any number.
        """
        self._max_per_network = max_per_network
        self._replay_buffer: deque[Frame] = deque(maxlen=REPLAY_BUFFER_SIZE)
        self._unsent: list[Frame] = []
        self._revoked_users: set[str] = set()
        self._has_unsent = asyncio.Event()
        self._connections: set[_Connection] = set()
        self._connections_by_owner: Counter[tuple[str, str]] = Counter()
        self._closed = False

    def publish(
        self,
        name: str,
        make_body: Callable[[], BaseModel],
        sequence: int,
        *,
        audience: Callable[[], str] | None = None,
    ) -> None:
        """Queue an event for the next flush.

        Args:
            name: the event's name, such as `ticket`.
            make_body: returns its data. Called only if a client receives it.
            sequence: its sequence in the stream, used as its id.
            audience: returns the only user who receives it; None for everyone.
        """
        frame = Frame(sequence, name, make_body, audience)
        self._replay_buffer.append(frame)
        self._unsent.append(frame)
        self._has_unsent.set()

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncGenerator[None]:
        """Flush queued events while the service runs."""
        async with run_periodically(FLUSH_INTERVAL_SECONDS, self._flush_next, name="live"):
            try:
                yield
            finally:
                self._has_unsent.set()
        self.close()

    def close(self) -> None:
        """End every stream, so that the process can stop without waiting for them.

        A stream opened later ends immediately, and its client reconnects to another replica.
        """
        self._closed = True
        for connection in self._connections:
            self._disconnect(connection)

    def end_revoked(self, user: str) -> None:
        """End the streams of a user's revoked sessions at the next flush."""
        self._revoked_users.add(user)
        self._has_unsent.set()

    async def _flush_next(self) -> None:
        """Wait for something to flush, because ten turns a second would cost an idle process."""
        await self._has_unsent.wait()
        self._has_unsent.clear()
        await self._flush()

    async def _flush(self) -> None:
        frames, self._unsent = self._unsent, []
        revoked_users, self._revoked_users = self._revoked_users, set()
        if not frames and not revoked_users:
            return
        users = {connection.user for connection in self._connections}
        chunks: dict[str | None, list[bytes]] = {}
        for frame in frames if users else ():
            if frame.audience is None or frame.audience in users:
                chunks.setdefault(frame.audience, []).append(frame.data)
        payloads = {audience: b"".join(data) for audience, data in chunks.items()}
        public = payloads.pop(None, b"")
        for connection in self._connections:
            if connection.user in revoked_users and not connection.is_authorized():
                self._disconnect(connection)
                continue
            payload = public + payloads.get(connection.user, b"")
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
        network: str | None,
        session: str | None,
        user: str | None = None,
        last_event_id: int | None = None,
        is_authorized: Callable[[], bool] = lambda: True,
    ) -> StreamingResponse:
        """Return a response that streams events.

        Args:
            network: the client's network, whose streams are limited together.
            session: the client's session, whose streams are limited to fewer, because many people
                share a network.
            user: the user whose private events are included.
            last_event_id: the id of the last event that the client received.
            is_authorized: called before each delivery; False ends the stream.

        Raises:
            TooManyRequests: the session or the network has too many streams.
            ServiceUnavailable: the process has too many streams.
        """
        owners = self._owners(network, session)
        if any(self._connections_by_owner[owner] >= limit for owner, limit in owners.items()):
            raise TooManyRequests("Too many open event streams", retry_after=5)
        if len(self._connections) >= MAX_CONNECTIONS:
            raise ServiceUnavailable("Too many open event streams", retry_after=5)
        connection = _Connection(user, is_authorized)
        connection.queue.put_nowait(RETRY_FRAME + self._replay_since(user, last_event_id))
        if self._closed:
            connection.queue.put_nowait(None)
        self._connections.add(connection)
        self._connections_by_owner.update(owners.keys())
        CONNECTIONS.set(len(self._connections))
        return _SseResponse(
            self._frames(connection),
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
            free_place=lambda: self._free_place(connection, owners),
        )

    def _owners(self, network: str | None, session: str | None) -> dict[tuple[str, str], int]:
        """Return those whose streams are counted, with their limits."""
        owners: dict[tuple[str, str], int] = {}
        if network is not None and self._max_per_network:
            owners["network", network] = self._max_per_network
        if session is not None:
            owners["session", session] = MAX_CONNECTIONS_PER_SESSION
        return owners

    def _replay_since(self, user: str | None, last_event_id: int | None) -> bytes:
        if last_event_id is None:
            return b""
        if not self._replay_buffer or self._replay_buffer[0].sequence > last_event_id + 1:
            return RESET_FRAME
        missed = [
            frame.data
            for frame in self._replay_buffer
            if frame.sequence > last_event_id and (frame.audience is None or frame.audience == user)
        ]
        return b"".join(missed) if sum(map(len, missed)) <= MAX_REPLAY_BYTES else RESET_FRAME

    def _free_place(self, connection: _Connection, owners: Iterable[tuple[str, str]]) -> None:
        self._connections.discard(connection)
        for owner in owners:
            self._connections_by_owner[owner] -= 1
            if not self._connections_by_owner[owner]:
                del self._connections_by_owner[owner]
        CONNECTIONS.set(len(self._connections))

    @staticmethod
    async def _frames(connection: _Connection) -> AsyncGenerator[bytes]:
        deadline = asyncio.get_running_loop().time() + MAX_CONNECTION_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            try:
                payload = await asyncio.wait_for(connection.queue.get(), HEARTBEAT_SECONDS)
            except TimeoutError:
                payload = KEEPALIVE_COMMENT
            if payload is None or not connection.is_authorized():
                return
            yield payload
