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

from common.background import every
from common.errors import Unavailable

BEAT: Final = 0.1
"""Seconds between two hand-outs."""
HEARTBEAT: Final = 15.0
KEPT: Final = 2_000
MAX_SCREENS: Final = 5_000
MAX_SCREENS_EACH: Final = 12
MAX_BEATS_BEHIND: Final = 100
SLOWEST: Final = 30.0
"""Seconds that a screen may take nothing, when more waits for it than the network holds."""
LIFETIME: Final = 15 * 60.0
"""Seconds after which a stream ends and the browser asks again, with the session it then has."""

SCREENS: Final = Gauge("live_screens", "Open event streams")

LastEventId = Annotated[
    int | None, Header(alias="Last-Event-ID", ge=0, description="The last event that was seen")
]


def event_stream() -> dict[int | str, dict[str, Any]]:
    """Document a route that answers with server-sent events."""
    return {200: {"content": {"text/event-stream": {}}}}


@dataclass(frozen=True, slots=True)
class _Frame:
    sequence: int
    audience: str | None
    data: bytes


@dataclass(eq=False, slots=True)
class _Screen:
    user: str | None
    beats: asyncio.Queue[bytes | None] = field(
        default_factory=lambda: asyncio.Queue(MAX_BEATS_BEHIND)
    )


class _Stream(StreamingResponse):
    """A stream that ends when its reader takes nothing any more."""

    async def stream_response(self, send: Send) -> None:
        async def bounded(message: Message) -> None:
            async with asyncio.timeout(SLOWEST):
                await send(message)

        async with contextlib.aclosing(self.body_iterator):  # pyright: ignore[reportArgumentType]  # it is our generator
            with contextlib.suppress(TimeoutError):
                await super().stream_response(bounded)


class Feed:
    """What a service tells the screens that look at it."""

    def __init__(self) -> None:
        self._kept: deque[_Frame] = deque(maxlen=KEPT)
        self._fresh: list[_Frame] = []
        self._screens: set[_Screen] = set()
        self._of: Counter[str] = Counter()
        self._closed = False

    def tell(
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
        self._kept.append(frame)
        self._fresh.append(frame)

    @contextlib.asynccontextmanager
    async def beating(self) -> AsyncGenerator[None]:
        """Hand out, beat by beat, while the service runs."""
        async with every(BEAT, self._beat, name="live"):
            yield
        self.close()

    def close(self) -> None:
        """End every stream, so that a stopping process need not wait for them.

        One that is still asked for ends at once: its screen comes back, to another replica.
        """
        self._closed = True
        for screen in self._screens:
            self._drop(screen)

    async def _beat(self) -> None:
        if self._fresh:
            fresh, self._fresh = self._fresh, []
            self._hand_out(fresh)

    def _hand_out(self, fresh: list[_Frame]) -> None:
        public = b"".join(frame.data for frame in fresh if frame.audience is None)
        private: dict[str, bytes] = {}
        for frame in fresh:
            if frame.audience is not None:
                private[frame.audience] = private.get(frame.audience, b"") + frame.data
        for screen in self._screens:
            beat = public + private.get(screen.user or "", b"")
            if not beat:
                continue
            try:
                screen.beats.put_nowait(beat)
            except asyncio.QueueFull:
                self._drop(screen)

    @staticmethod
    def _drop(screen: _Screen) -> None:
        with contextlib.suppress(asyncio.QueueEmpty):
            while True:
                screen.beats.get_nowait()
        screen.beats.put_nowait(None)

    def stream(
        self,
        *,
        key: str,
        user: str | None = None,
        last: int | None = None,
        alive: Callable[[], bool] = lambda: True,
    ) -> StreamingResponse:
        """Open a stream of events to one screen.

        Args:
            key: whose screens are counted together: a user, or an address.
            user: who looks, where events have an audience.
            last: the last event this screen has seen.
            alive: asked at each heartbeat; the stream ends when it says no.

        Raises:
            Unavailable: too many screens already, here or of this one.
        """
        if len(self._screens) >= MAX_SCREENS or self._of[key] >= MAX_SCREENS_EACH:
            raise Unavailable("Too many open screens", retry_after=5)
        screen = _Screen(user)
        screen.beats.put_nowait(b"retry: 1000\n\n" + self._missed(user, last))
        if self._closed:
            screen.beats.put_nowait(None)
        self._screens.add(screen)
        self._of[key] += 1
        SCREENS.set(len(self._screens))
        return _Stream(
            self._frames(screen, key, alive),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    def _missed(self, user: str | None, last: int | None) -> bytes:
        if last is None:
            return b""
        if not self._kept or self._kept[0].sequence > last + 1:
            return b"event: reset\ndata: {}\n\n"
        return b"".join(
            frame.data
            for frame in self._kept
            if frame.sequence > last and frame.audience in {None, user}
        )

    async def _frames(
        self, screen: _Screen, key: str, alive: Callable[[], bool]
    ) -> AsyncGenerator[bytes]:
        ends = asyncio.get_running_loop().time() + LIFETIME
        try:
            while alive() and asyncio.get_running_loop().time() < ends:
                try:
                    beat = await asyncio.wait_for(screen.beats.get(), HEARTBEAT)
                except TimeoutError:
                    beat = b": still here\n\n"
                if beat is None:
                    return
                yield beat
        finally:
            self._screens.discard(screen)
            self._of[key] -= 1
            if not self._of[key]:
                del self._of[key]
            SCREENS.set(len(self._screens))
