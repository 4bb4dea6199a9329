"""Many items, one command, each its own outcome."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from common.batching import IN_FLIGHT, MAX_WAITING, MOST, Grouped
from common.errors import Unavailable


async def test_what_is_asked_in_one_turn_is_one_command() -> None:
    commands: list[list[int]] = []

    async def double(items: Sequence[int]) -> Sequence[int]:
        commands.append(list(items))
        return [2 * item for item in items]

    grouped = Grouped(double)

    answers = await asyncio.gather(*(grouped(n) for n in range(50)))

    assert answers == [2 * n for n in range(50)]
    assert commands == [list(range(50))]


async def test_what_comes_while_commands_are_under_way_shares_the_next() -> None:
    commands: list[int] = []
    go_on = asyncio.Event()

    async def count(items: Sequence[int]) -> Sequence[int]:
        commands.append(len(items))
        await go_on.wait()
        return items

    grouped = Grouped(count)
    waiting: list[asyncio.Task[int]] = []
    for n in range(20):
        waiting.append(asyncio.create_task(grouped(n)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(*waiting)

    assert commands == [1] * IN_FLIGHT + [20 - IN_FLIGHT]


async def test_a_command_takes_a_bounded_number() -> None:
    sizes: list[int] = []

    async def count(items: Sequence[int]) -> Sequence[int]:
        sizes.append(len(items))
        return items

    grouped = Grouped(count)
    await asyncio.gather(*(grouped(n) for n in range(3 * MOST)))

    assert sizes == [MOST] * 3


async def test_what_goes_wrong_with_one_is_told_to_that_one() -> None:
    async def some(items: Sequence[int]) -> Sequence[int | Exception]:
        return [ValueError("odd") if item % 2 else item for item in items]

    grouped = Grouped(some)

    outcomes = await asyncio.gather(*(grouped(n) for n in range(4)), return_exceptions=True)

    assert [isinstance(outcome, ValueError) for outcome in outcomes] == [False, True] * 2


async def test_a_command_that_fails_is_told_to_all_and_the_next_works() -> None:
    broken = True

    async def command(items: Sequence[int]) -> Sequence[int]:
        if broken:
            raise ConnectionError
        return items

    grouped = Grouped(command)
    outcomes = await asyncio.gather(*(grouped(n) for n in range(3)), return_exceptions=True)
    broken = False

    assert [type(outcome) for outcome in outcomes] == [ConnectionError] * 3
    assert await grouped(7) == 7


async def test_a_request_that_was_given_up_does_not_disturb_the_others() -> None:
    go_on = asyncio.Event()

    async def command(items: Sequence[int]) -> Sequence[int]:
        await go_on.wait()
        return items

    grouped = Grouped(command)
    given_up, kept = asyncio.create_task(grouped(1)), asyncio.create_task(grouped(2))
    await asyncio.sleep(0.01)
    given_up.cancel()
    go_on.set()

    assert await kept == 2


async def test_too_much_waiting_is_refused_at_once() -> None:
    never = asyncio.Event()

    async def command(items: Sequence[int]) -> Sequence[int]:
        await never.wait()
        return items

    grouped = Grouped(command)
    room = MAX_WAITING + IN_FLIGHT * MOST
    waiting = [asyncio.create_task(grouped(n)) for n in range(MAX_WAITING)]
    await asyncio.sleep(0.01)
    waiting += [asyncio.create_task(grouped(n)) for n in range(room - MAX_WAITING)]
    await asyncio.sleep(0.01)

    with pytest.raises(Unavailable):
        await grouped(-1)

    for task in waiting:
        task.cancel()
    never.set()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_lingering_group_waits_for_company() -> None:
    sizes: list[int] = []
    grouped = Grouped(counting(sizes), linger=0.2)

    await one_turn_after_another(grouped, 3)

    assert sizes == [3]


async def test_a_full_command_waits_for_nothing() -> None:
    grouped = Grouped(counting([]), linger=60, pace=60)

    for _ in range(2):
        async with asyncio.timeout(10):
            await asyncio.gather(*(grouped(n) for n in range(MOST)))


async def test_where_company_came_the_next_group_is_given_a_moment() -> None:
    sizes: list[int] = []
    grouped = Grouped(counting(sizes), pace=0.2)

    await asyncio.gather(grouped(0), grouped(1))
    await one_turn_after_another(grouped, 3)

    assert sizes == [2, 3]


async def test_who_comes_alone_does_not_wait() -> None:
    sizes: list[int] = []
    grouped = Grouped(counting(sizes), pace=60)

    async with asyncio.timeout(10):
        await grouped(0)
        await grouped(1)

    assert sizes == [1, 1]


def counting(sizes: list[int]) -> Callable[[Sequence[int]], Awaitable[Sequence[int]]]:
    async def count(items: Sequence[int]) -> Sequence[int]:
        sizes.append(len(items))
        return items

    return count


async def one_turn_after_another(grouped: Grouped[int, int], count: int) -> None:
    tasks: list[asyncio.Task[int]] = []
    for n in range(count):
        tasks.append(asyncio.create_task(grouped(n)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
