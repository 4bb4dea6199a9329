"""Tasks beside a service."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog

from common.observability.context import acting_as

log = structlog.get_logger("periodic")

STOP_TIMEOUT_SECONDS: Final = 10.0
CANCEL_INTERVAL_SECONDS: Final = 1.0


async def cancel(task: asyncio.Task[Any]) -> None:
    """Cancel a task until it has ended, because a library can swallow a cancellation.

    Raises:
        BaseException: the task failed.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=CANCEL_INTERVAL_SECONDS)
    if not task.cancelled():
        task.result()


@asynccontextmanager
async def run_periodically(
    interval_seconds: float, action: Callable[[], Awaitable[object]], *, name: str
) -> AsyncGenerator[None]:
    """Run an action immediately and `interval_seconds` after each end, while the block runs.

    A failure is logged, and the next run tries again. A flag stops the loop, because PyMongo can
    swallow a cancellation, after which the loop would continue.
    """
    stopping = asyncio.Event()

    async def run_loop() -> None:
        while not stopping.is_set():
            try:
                with acting_as(f"loop {name}"):
                    await action()
            except Exception:
                log.exception("background task failed, retrying", task=name)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), interval_seconds)

    task = asyncio.create_task(run_loop(), name=name)
    try:
        yield
    finally:
        stopping.set()
        _, unfinished = await asyncio.wait({task}, timeout=STOP_TIMEOUT_SECONDS)
        if unfinished:
            log.warning("background task did not stop in time", task=name)
            task.cancel()
