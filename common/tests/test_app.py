"""How a process stops: it says so first, and goes on answering for a while."""

import asyncio
import signal
from collections.abc import Iterator
from types import FrameType

import pytest

from common.lifecycle import on_stop_signal
from common.testing.plugin import eventually


@pytest.fixture
def told() -> Iterator[list[int]]:
    """What uvicorn would be told, in place of uvicorn."""
    signals: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        signals.append(number)

    before = signal.signal(signal.SIGTERM, stop)
    yield signals
    signal.signal(signal.SIGTERM, before)


async def test_without_notice_a_process_stops_when_it_is_told(told: list[int]) -> None:
    said: list[str] = []
    with on_stop_signal(lambda: said.append("stopping")):
        signal.raise_signal(signal.SIGTERM)
        assert (said, told) == (["stopping"], [signal.SIGTERM])


async def test_with_notice_it_says_so_at_once_and_stops_later(told: list[int]) -> None:
    said: list[str] = []
    with on_stop_signal(lambda: said.append("stopping"), 0.2):
        signal.raise_signal(signal.SIGTERM)
        await asyncio.sleep(0)
        assert (said, told) == (["stopping"], [])

        async def stopped() -> bool:
            return told == [signal.SIGTERM]

        await eventually(stopped)
