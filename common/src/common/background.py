"""Doing something again and again beside a running service."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import structlog

from common.observability.context import acting_as

log = structlog.get_logger("periodic")

STOP_TIMEOUT_SECONDS: Final = 10.0
"""Seconds that the last round may take to end."""


@asynccontextmanager
async def run_periodically(
    interval_seconds: float, action: Callable[[], Awaitable[object]], *, name: str
) -> AsyncGenerator[None]:
    """Do something at once, and again `seconds` after it was done, while the block runs.

    A round that fails is logged and the next one tries again. The loop is ended by a flag and not
    by cancelling it: PyMongo can swallow a cancellation (seen with 4.20), and it would go on.
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
