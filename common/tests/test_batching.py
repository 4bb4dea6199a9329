"""Concurrent items share a command, and each gets its own outcome."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from common.batching import MAX_BATCH_SIZE, MAX_PENDING, Batcher
from common.errors import ServiceUnavailable


async def test_what_is_asked_in_one_turn_is_one_command() -> None:
    commands: list[list[int]] = []

    async def double(items: Sequence[int]) -> Sequence[int]:
        commands.append(list(items))
        return [2 * item for item in items]

    batcher = Batcher(double)

    answers = await asyncio.gather(*(batcher(n) for n in range(50)))

    assert answers == [2 * n for n in range(50)]
    assert commands == [list(range(50))]


async def test_what_comes_while_commands_are_under_way_shares_the_next() -> None:
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


async def test_a_command_takes_a_bounded_number() -> None:
    sizes: list[int] = []

    async def count(items: Sequence[int]) -> Sequence[int]:
        sizes.append(len(items))
        return items

    batcher = Batcher(count)
    await asyncio.gather(*(batcher(n) for n in range(3 * MAX_BATCH_SIZE)))

    assert sizes == [MAX_BATCH_SIZE] * 3


async def test_what_goes_wrong_with_one_is_told_to_that_one() -> None:
    async def some(items: Sequence[int]) -> Sequence[int | Exception]:
        return [ValueError("odd") if item % 2 else item for item in items]

    batcher = Batcher(some)

    outcomes = await asyncio.gather(*(batcher(n) for n in range(4)), return_exceptions=True)

    assert [isinstance(outcome, ValueError) for outcome in outcomes] == [False, True] * 2


async def test_a_command_that_fails_is_told_to_all_and_the_next_works() -> None:
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


async def test_a_request_that_was_given_up_does_not_disturb_the_others() -> None:
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


async def test_a_lingering_group_waits_for_company() -> None:
    sizes: list[int] = []
    batcher = Batcher(counting_command(sizes), max_delay=0.2)

    await call_in_separate_turns(batcher, 3)

    assert sizes == [3]


async def test_a_full_command_waits_for_nothing() -> None:
    batcher = Batcher(counting_command([]), max_delay=60, min_interval=60)

    for _ in range(2):
        async with asyncio.timeout(10):
            await asyncio.gather(*(batcher(n) for n in range(MAX_BATCH_SIZE)))


async def test_where_company_came_the_next_group_is_given_a_moment() -> None:
    sizes: list[int] = []
    batcher = Batcher(counting_command(sizes), min_interval=0.2)

    await asyncio.gather(batcher(0), batcher(1))
    await call_in_separate_turns(batcher, 3)

    assert sizes == [2, 3]


async def test_who_comes_alone_does_not_wait() -> None:
    sizes: list[int] = []
    batcher = Batcher(counting_command(sizes), min_interval=60)

    async with asyncio.timeout(10):
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
