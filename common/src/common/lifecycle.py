"""A running service: what it stands on, and how it learns that it is to stop."""

import asyncio
import signal
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from types import FrameType

from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from common.messaging.bus import Bus, Handlers
from common.persistence.mongo import Doc
from common.persistence.outbox import Relay
from common.values.clock import Clock
from common.web.sse import Feed

Handler = Callable[[int, FrameType | None], object]


@contextmanager
def on_stop_signal(callback: Callable[[], None], notice: float = 0) -> Generator[None]:
    """Call back when the process is told to stop, before uvicorn waits for open responses.

    Args:
        callback: what to do at once.
        notice: seconds in which uvicorn is not told yet, and goes on answering.
    """
    loop = asyncio.get_running_loop()

    def watch(previous: Handler) -> Handler:
        def handle(number: int, frame: FrameType | None) -> None:
            callback()
            if notice:
                loop.call_soon_threadsafe(loop.call_later, notice, previous, number, None)
            else:
                previous(number, frame)

        return handle

    replaced: dict[signal.Signals, Handler] = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            previous = signal.getsignal(number)
            if callable(previous):
                replaced[number] = previous
                signal.signal(number, watch(previous))
    try:
        yield
    finally:
        for number, previous in replaced.items():
            signal.signal(number, previous)


@dataclass(frozen=True, slots=True)
class Running:
    """What a running service stands on: its database, the bus, the relay of its outboxes."""

    database: AsyncDatabase[Doc]
    bus: Bus
    relay: Relay
    clock: Clock
    drain_seconds: float
    told_to_stop: threading.Event

    @asynccontextmanager
    async def showing(self, feed: Feed, heard: Handlers) -> AsyncGenerator[None]:
        """Show what this service publishes, from any of its replicas, to the screens looking on."""
        await self.bus.follow(self.bus.connection.service, heard)
        async with feed.beating():
            with on_stop_signal(feed.close):
                yield

    @asynccontextmanager
    async def listening(self, heard: Handlers) -> AsyncGenerator[None]:
        """Hear these events while the service runs; finish those in hand before it stops."""
        await self.bus.listen(heard)
        try:
            yield
        finally:
            await self.bus.stop_listening(self.drain_seconds)

    async def ready(self) -> bool:
        """Tell whether a request sent now would be served."""
        if self.told_to_stop.is_set() or not (self.bus.healthy and self.relay.alive):
            return False
        try:
            await self.database.command("ping")
        except PyMongoError:
            return False
        return True
