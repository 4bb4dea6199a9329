"""Tests of the stop signal: the callback runs first, and the signal is forwarded later."""

import asyncio
import signal
from collections.abc import Iterator
from types import FrameType

import pytest

from common.lifecycle import on_stop_signal
from common.testing.polling import eventually


@pytest.fixture
def received_signals() -> Iterator[list[int]]:
    """The signals that reach a handler in place of uvicorn's."""
    signals: list[int] = []

    def record_signal(number: int, _: FrameType | None) -> None:
        signals.append(number)

    previous = signal.signal(signal.SIGTERM, record_signal)
    yield signals
    signal.signal(signal.SIGTERM, previous)


async def test_stop_signal_without_delay_is_forwarded_immediately(
    received_signals: list[int],
) -> None:
    calls: list[str] = []
    with on_stop_signal(lambda: calls.append("stopping")):
        signal.raise_signal(signal.SIGTERM)
        assert (calls, received_signals) == (["stopping"], [signal.SIGTERM])


async def test_stop_signal_with_delay_is_forwarded_after_it(received_signals: list[int]) -> None:
    calls: list[str] = []
    with on_stop_signal(lambda: calls.append("stopping"), 0.2):
        signal.raise_signal(signal.SIGTERM)
        await asyncio.sleep(0)
        assert (calls, received_signals) == (["stopping"], [])

        async def is_forwarded() -> bool:
            return received_signals == [signal.SIGTERM]

        await eventually(is_forwarded)
