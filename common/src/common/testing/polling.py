"""Waiting for a condition."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

V = TypeVar("V")

TIMEOUT_SECONDS: Final = 60.0
"""How long a test waits for what must happen. It only bounds a failure, so it is generous: a slow
machine with other load must not fail a test."""


async def eventually(
    check: Callable[[], Awaitable[V]], timeout_seconds: float = TIMEOUT_SECONDS
) -> V:
    """Wait until the check returns something true, and return it.

    Raises:
        AssertionError: the timeout passed. The message shows the last result.
    """
    deadline = asyncio.get_running_loop().time() + timeout_seconds
    while True:
        result = await check()
        if result:
            return result
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"did not come true in {timeout_seconds} s: {result!r}")
        await asyncio.sleep(0.01)
