"""Concurrent items share a command, and each gets its own outcome."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from common.batching import MAX_BATCH_SIZE, MAX_PENDING, Batcher
from common.errors import ServiceUnavailable
from common.testing.polling import TIMEOUT_SECONDS


async def test_batcher_items_of_one_turn_share_one_command() -> None:
    commands: list[list[int]] = []

    async def double(items: Sequence[int]) -> Sequence[int]:
        commands.append(list(items))
        return [2 * item for item in items]

    batcher = Batcher(double)

    answers = await asyncio.gather(*(batcher(n) for n in range(50)))

    assert answers == [2 * n for n in range(50)]
    assert commands == [list(range(50))]


async def test_batcher_items_during_command_share_the_next() -> None:
    commands: list[int] = []
    go_on = asyncio.Event()

    async def count(items: Sequence[int]) -> Sequence[int]:
        commands.append(len(items))
        await go_on.wait()
        return items

    batcher = Batcher(count)
    waiting: list[asyncio.Task[int]] = []
    for n in range(20):
        waiting.append(asyncio.create_task(batcher(n)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(*waiting)

    assert commands == [1, 19]


async def test_batcher_limits_batch_size() -> None:
    sizes: list[int] = []

    async def count(items: Sequence[int]) -> Sequence[int]:
        sizes.append(len(items))
        return items

    batcher = Batcher(count)
    await asyncio.gather(*(batcher(n) for n in range(3 * MAX_BATCH_SIZE)))

    assert sizes == [MAX_BATCH_SIZE] * 3


async def test_batcher_item_error_reaches_only_its_caller() -> None:
    async def some(items: Sequence[int]) -> Sequence[int | Exception]:
        return [ValueError("odd") if item % 2 else item for item in items]

    batcher = Batcher(some)

    outcomes = await asyncio.gather(*(batcher(n) for n in range(4)), return_exceptions=True)

    assert [isinstance(outcome, ValueError) for outcome in outcomes] == [False, True] * 2


async def test_batcher_command_error_reaches_all_callers_of_batch() -> None:
    broken = True

    async def command(items: Sequence[int]) -> Sequence[int]:
        if broken:
            raise ConnectionError
        return items

    batcher = Batcher(command)
    outcomes = await asyncio.gather(*(batcher(n) for n in range(3)), return_exceptions=True)
    broken = False

    assert [type(outcome) for outcome in outcomes] == [ConnectionError] * 3
    assert await batcher(7) == 7


async def test_batcher_cancelled_caller_does_not_affect_others() -> None:
    go_on = asyncio.Event()

    async def command(items: Sequence[int]) -> Sequence[int]:
        await go_on.wait()
        return items

    batcher = Batcher(command)
    given_up, other = asyncio.create_task(batcher(1)), asyncio.create_task(batcher(2))
    await asyncio.sleep(0.01)
    given_up.cancel()
    go_on.set()

    assert await other == 2


async def test_batcher_too_many_pending_raises_service_unavailable() -> None:
    never = asyncio.Event()

    async def command(items: Sequence[int]) -> Sequence[int]:
        await never.wait()
        return items

    batcher = Batcher(command)
    running = [asyncio.create_task(batcher(n)) for n in range(MAX_BATCH_SIZE)]
    await asyncio.sleep(0.01)
    pending = [asyncio.create_task(batcher(n)) for n in range(MAX_PENDING)]
    await asyncio.sleep(0.01)

    with pytest.raises(ServiceUnavailable):
        await batcher(-1)

    for task in running + pending:
        task.cancel()
    never.set()
    await asyncio.gather(*running, *pending, return_exceptions=True)


async def test_batcher_max_delay_collects_later_items() -> None:
    sizes: list[int] = []
    batcher = Batcher(counting_command(sizes), max_delay=0.2)

    await call_in_separate_turns(batcher, 3)

    assert sizes == [3]


async def test_batcher_full_batch_is_sent_immediately() -> None:
    batcher = Batcher(counting_command([]), max_delay=60, min_interval=60)

    for _ in range(2):
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await asyncio.gather(*(batcher(n) for n in range(MAX_BATCH_SIZE)))


async def test_batcher_min_interval_follows_batch_of_several() -> None:
    sizes: list[int] = []
    batcher = Batcher(counting_command(sizes), min_interval=0.2)

    await asyncio.gather(batcher(0), batcher(1))
    await call_in_separate_turns(batcher, 3)

    assert sizes == [2, 3]


async def test_batcher_single_items_do_not_wait() -> None:
    sizes: list[int] = []
    batcher = Batcher(counting_command(sizes), min_interval=60)

    async with asyncio.timeout(TIMEOUT_SECONDS):
        await batcher(0)
        await batcher(1)

    assert sizes == [1, 1]


def counting_command(sizes: list[int]) -> Callable[[Sequence[int]], Awaitable[Sequence[int]]]:
    async def count(items: Sequence[int]) -> Sequence[int]:
        sizes.append(len(items))
        return items

    return count


async def call_in_separate_turns(batcher: Batcher[int, int], count: int) -> None:
    tasks: list[asyncio.Task[int]] = []
    for n in range(count):
        tasks.append(asyncio.create_task(batcher(n)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
