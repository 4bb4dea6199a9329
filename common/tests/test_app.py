"""How a process stops: it says so first, and goes on answering for a while."""

import asyncio
import signal
from collections.abc import Iterator
from types import FrameType

import pytest

from common.lifecycle import on_stop_signal
from common.testing.polling import eventually


@pytest.fixture
def received_signals() -> Iterator[list[int]]:
    """A stop signal handler in place of uvicorn."""
    signals: list[int] = []

    def record_signal(number: int, _: FrameType | None) -> None:
        signals.append(number)

    previous = signal.signal(signal.SIGTERM, record_signal)
    yield signals
    signal.signal(signal.SIGTERM, previous)


async def test_without_notice_a_process_stops_when_it_is_told(received_signals: list[int]) -> None:
    calls: list[str] = []
    with on_stop_signal(lambda: calls.append("stopping")):
        signal.raise_signal(signal.SIGTERM)
        assert (calls, received_signals) == (["stopping"], [signal.SIGTERM])


async def test_with_notice_it_says_so_at_once_and_stops_later(received_signals: list[int]) -> None:
    calls: list[str] = []
    with on_stop_signal(lambda: calls.append("stopping"), 0.2):
        signal.raise_signal(signal.SIGTERM)
        await asyncio.sleep(0)
        assert (calls, received_signals) == (["stopping"], [])

        async def stopped() -> bool:
            return received_signals == [signal.SIGTERM]

        await eventually(stopped)
