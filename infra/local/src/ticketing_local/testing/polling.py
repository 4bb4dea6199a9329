"""Waiting for a condition in synchronous tests. `common.testing` has the asynchronous one."""

import time
from collections.abc import Callable
from typing import TypeVar

from common.testing.polling import TIMEOUT_SECONDS

T = TypeVar("T")


def wait_until(condition: Callable[[], T | None], timeout_seconds: float = TIMEOUT_SECONDS) -> T:
    """Return the first true value of the condition, or raise `AssertionError`."""
    deadline = time.monotonic() + timeout_seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"did not come true in {timeout_seconds} s: {value!r}"
        time.sleep(0.02)
    return value
