"""Waiting for a store or a bus that is not available yet.

A process starts before its stores often enough: their pods are scheduled later, a replica set
elects its primary, users are being created. It waits instead of exiting, because a supervisor
restarts an exiting process with a growing delay.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog

log = structlog.get_logger("availability")

RETRY_DELAY_SECONDS: Final = 0.5

T = TypeVar("T")


async def wait_until_available(
    dependency: str,
    attempt: Callable[[], Awaitable[T]],
    reason: Callable[[Exception], str | None],
) -> T:
    """Repeat an attempt until it succeeds, and return its result.

    Logs one line per changed reason, not one per attempt.

    Args:
        dependency: what is waited for.
        attempt: opens or checks the dependency.
        reason: returns why the dependency is not available, or None if waiting would not help.

    Raises:
        Exception: the attempt failed, and waiting would not help.
    """
    logged_reason = None
    while True:
        try:
            result = await attempt()
        except Exception as error:
            current_reason = reason(error)
            if current_reason is None:
                raise
            if current_reason != logged_reason:
                log.warning("waiting", dependency=dependency, reason=current_reason)
                logged_reason = current_reason
            await asyncio.sleep(RETRY_DELAY_SECONDS)
        else:
            if logged_reason is not None:
                log.info("available", dependency=dependency)
            return result
