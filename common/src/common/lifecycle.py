"""A running service: what it stands on, and how it learns that it is to stop."""

import asyncio
import signal
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from types import FrameType

from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from common.auth.revocations import Revocations
from common.messaging.bus import Bus, Handlers
from common.messaging.envelope import EventEnvelope
from common.persistence.mongo import Doc
from common.persistence.outbox import Relay
from common.settings import ServiceSettings
from common.values.clock import Clock
from common.web.sse import EventBroadcaster

SignalHandler = Callable[[int, FrameType | None], object]


@contextmanager
def on_stop_signal(callback: Callable[[], None], lame_duck_seconds: float = 0) -> Generator[None]:
    """Call back when the process is told to stop, before uvicorn waits for open responses.

    Args:
        callback: what to do at once.
        lame_duck_seconds: seconds in which uvicorn is not told yet, and goes on answering.
    """
    loop = asyncio.get_running_loop()

    def wrap(previous: SignalHandler) -> SignalHandler:
        def handle(number: int, frame: FrameType | None) -> None:
            callback()
            if lame_duck_seconds:
                loop.call_soon_threadsafe(
                    loop.call_later, lame_duck_seconds, previous, number, None
                )
            else:
                previous(number, frame)

        return handle

    previous_handlers: dict[signal.Signals, SignalHandler] = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            previous = signal.getsignal(number)
            if callable(previous):
                previous_handlers[number] = previous
                signal.signal(number, wrap(previous))
    try:
        yield
    finally:
        for number, previous in previous_handlers.items():
            signal.signal(number, previous)


@dataclass(frozen=True, slots=True)
class RunningService:
    """What a running service stands on: its database, the bus, the relay of its outboxes."""

    database: AsyncDatabase[Doc]
    bus: Bus
    relay: Relay
    clock: Clock
    settings: ServiceSettings
    revocations: Revocations
    stop_requested: threading.Event

    @asynccontextmanager
    async def broadcasting(
        self, broadcaster: EventBroadcaster, handlers: Handlers
    ) -> AsyncGenerator[None]:
        """Show what this service publishes, from any of its replicas, to the screens looking on."""
        await self.bus.subscribe_every_replica(self.bus.connection.service, handlers)
        async with broadcaster.run():
            with on_stop_signal(broadcaster.close):
                yield

    @asynccontextmanager
    async def consuming(self, handlers: Handlers) -> AsyncGenerator[None]:
        """Hear these events while the service runs; finish those in hand before it stops."""
        await self.bus.subscribe_durable(handlers)
        try:
            yield
        finally:
            await self.bus.drain(self.settings.drain_seconds)

    async def is_ready(self) -> bool:
        """Tell whether a request sent now would be served."""
        if self.stop_requested.is_set() or not (self.bus.healthy and self.relay.alive):
            return False
        try:
            await self.database.command("ping")
        except PyMongoError:
            return False
        return True


async def no_events() -> AsyncIterator[EventEnvelope]:
    """Return the snapshot events of a service without aggregates."""
    return
    yield


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceState:
    """What a service's lifespan yields. `Service.app` puts it on `app.state.service`.

    Each service adds the parts that its routes need.

    Attributes:
        running: the parts that all services have.
        snapshot_events: the present state of every aggregate as events, for republishing.
    """

    running: RunningService
    snapshot_events: Callable[[], AsyncIterator[EventEnvelope]] = no_events
