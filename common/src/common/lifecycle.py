"""A running service, its lifespan state and its stop signal."""

import asyncio
import signal
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Self

from fastapi import Request
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
    """Call back on SIGTERM or SIGINT, before uvicorn waits for open responses.

    Args:
        callback: called immediately.
        lame_duck_seconds: delay before uvicorn gets the signal. It keeps serving until then.
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
    """The open parts that every service has."""

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
        """Stream the service's own events, from any replica, to the SSE clients of this one.

        Handlers take a `StoredEvent`.
        """
        self.revocations.add_listener(broadcaster.end_revoked)
        await self.bus.subscribe_every_replica(self.bus.connection.service, handlers, decode=False)
        async with broadcaster.run():
            with on_stop_signal(broadcaster.close):
                yield

    @asynccontextmanager
    async def consuming(
        self, handlers: Handlers, *, interval_seconds: float = 0
    ) -> AsyncGenerator[None]:
        """Consume events while the service runs, and finish those in flight before it stops.

        Args:
            handlers: the handler of each event.
            interval_seconds: how long an event may wait for others, which saves CPU.
        """
        await self.bus.subscribe_durable(handlers, interval_seconds=interval_seconds)
        try:
            yield
        finally:
            await self.bus.drain(self.settings.drain_seconds)

    async def is_ready(self) -> bool:
        """Return whether the service can serve requests."""
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
    """What a service's lifespan yields. `common.startup` puts it on `app.state.service`.

    Each service adds the parts that its routes need.

    Attributes:
        running: the parts that all services have.
        snapshot_events: the present state of every aggregate as events, for republishing.
    """

    running: RunningService
    snapshot_events: Callable[[], AsyncIterator[EventEnvelope]] = no_events

    @classmethod
    async def of(cls, request: Request) -> Self:
        """Return the state of the service that serves this request; a FastAPI dependency."""
        state: Self = request.app.state.service
        return state
