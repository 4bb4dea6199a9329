"""Tests of counted attempts and refused cards: what is stored, and for how long."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import pytest

from common.app import Service
from common.persistence.mongo import Doc
from common.testing.clock import FakeClock
from common.values.clock import utc_now
from common.values.ids import new_id
from payments.app import DOCUMENTS
from payments.settings import Settings
from payments.store.counted_attempts import DAY, HOUR, CountedAttempts, Limit, LimitReached
from payments.store.refused_cards import (
    FORMER_INDEX,
    MAX_REFUSED_ACCOUNTS,
    REFUSED_CARD_RETENTION,
    RefusedCards,
)

ACCOUNT = Limit("account:1", 2)
ADDRESS = Limit("address:192.0.2.1", 1)
OTHER_ADDRESS = Limit("address:192.0.2.10", 1)
CARD = Limit("card:fingerprint", 2)


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock near the present, because MongoDB deletes what ended by its own."""
    return FakeClock(utc_now().replace(microsecond=0))


@pytest.fixture
async def counted(
    payments_environment: dict[str, Any], published: object, clock: FakeClock
) -> AsyncGenerator[CountedAttempts]:
    assert published
    service = Service.from_settings("payments", Settings(**payments_environment))
    async with service.open(DOCUMENTS):
        yield CountedAttempts(clock)


@pytest.fixture
def refused_cards(counted: CountedAttempts, clock: FakeClock) -> RefusedCards:
    assert counted
    return RefusedCards(clock)


async def stored(counted: CountedAttempts) -> dict[str, Doc]:
    return {doc["_id"]: doc async for doc in counted._collection.find({})}


def keys(doc: Doc) -> list[str]:
    return [slot.rpartition("#")[0] for slot in doc["slots"]]


async def test_count_of_the_same_attempt_takes_one_slot(counted: CountedAttempts) -> None:
    for _ in range(3):
        await counted.count("a:1", [ACCOUNT, ADDRESS], HOUR)

    docs = await stored(counted)
    assert list(docs) == ["a:1:1h"]
    assert keys(docs["a:1:1h"]) == [ACCOUNT.key, ADDRESS.key]


async def test_repeated_attempt_from_another_address_counts_for_both(
    counted: CountedAttempts, clock: FakeClock
) -> None:
    await counted.count("a:1", [ACCOUNT, ADDRESS], HOUR)
    clock.advance(minutes=1)

    await counted.count("a:1", [ACCOUNT, OTHER_ADDRESS], HOUR)

    docs = await stored(counted)
    assert list(docs) == ["a:1:1h"]
    assert keys(docs["a:1:1h"]) == [ACCOUNT.key, ADDRESS.key, OTHER_ADDRESS.key]
    assert docs["a:1:1h"]["until"] == clock() + HOUR


async def test_count_beyond_one_limit_is_stored_under_none(
    counted: CountedAttempts, clock: FakeClock
) -> None:
    await counted.count("a:1", [ACCOUNT, ADDRESS], HOUR)
    clock.advance(minutes=15)

    with pytest.raises(LimitReached) as reached:
        await counted.count("b:1", [ACCOUNT, ADDRESS], HOUR)

    assert reached.value.retry_after == 45 * 60
    assert list(await stored(counted)) == ["a:1:1h"]


async def test_concurrent_attempts_get_each_slot_once(counted: CountedAttempts) -> None:
    limit = Limit("address:192.0.2.1", 20)

    outcomes = await asyncio.gather(
        *(counted.count(f"{n}:1", [limit], HOUR) for n in range(50)), return_exceptions=True
    )

    assert sum(outcome is None for outcome in outcomes) == 20
    assert sum(isinstance(outcome, LimitReached) for outcome in outcomes) == 30
    slots = [slot for doc in (await stored(counted)).values() for slot in doc["slots"]]
    assert sorted(slots) == sorted(limit.slot(n) for n in range(20))


async def test_slot_of_a_high_limit_is_found_without_listing_all(
    counted: CountedAttempts, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit, listed = Limit("address:192.0.2.1", 100_000), list[int]()

    def slot(limit: Limit, number: int) -> str:
        listed.append(number)
        return f"{limit.key}#{number}"

    monkeypatch.setattr(Limit, "slot", slot)
    await counted.count("a:1", [ACCOUNT], HOUR)

    await counted.count("a:1", [ACCOUNT, limit], HOUR)

    assert keys((await stored(counted))["a:1:1h"]) == [ACCOUNT.key, limit.key]
    assert len(listed) < 1_000


async def test_slots_are_free_when_their_window_ends(
    counted: CountedAttempts, clock: FakeClock
) -> None:
    for n in range(6):
        await counted.count(f"a:{n}", [ACCOUNT], HOUR)
        clock.advance(minutes=31)

    docs = await stored(counted)
    assert list(docs)[-2:] == ["a:4:1h", "a:5:1h"]
    assert docs["a:5:1h"]["until"] == clock() - timedelta(minutes=31) + HOUR
    indexes = await counted._collection.index_information()
    assert [index["expireAfterSeconds"] for index in indexes.values() if "until" in str(index)] == [
        0
    ]


async def test_attempt_that_is_repeated_after_its_window_counts_again(
    counted: CountedAttempts, clock: FakeClock
) -> None:
    await counted.count("a:1", [ADDRESS], HOUR)
    clock.advance(minutes=61)

    await counted.count("a:1", [ADDRESS], HOUR)

    with pytest.raises(LimitReached):
        await counted.count("b:1", [ADDRESS], HOUR)


async def test_release_gives_back_every_slot_of_an_attempt(counted: CountedAttempts) -> None:
    for attempt in ("a:1", "b:1"):
        await counted.count(attempt, [ACCOUNT], HOUR)
        await counted.count(attempt, [CARD], DAY)

    await counted.release("a:1")

    await counted.count("c:1", [ACCOUNT], HOUR)
    await counted.count("c:1", [CARD], DAY)
    for limit, window in ((ACCOUNT, HOUR), (CARD, DAY)):
        with pytest.raises(LimitReached):
            await counted.count("d:1", [limit], window)


async def test_release_of_a_key_leaves_other_keys_and_attempts(counted: CountedAttempts) -> None:
    await counted.count("a:1", [ACCOUNT, ADDRESS], HOUR)
    await counted.count("b:1", [ACCOUNT, OTHER_ADDRESS], HOUR)

    await counted.release_key("a:1", ADDRESS.key)

    docs = await stored(counted)
    assert [keys(docs[f"{each}:1:1h"]) for each in "ab"] == [
        [ACCOUNT.key],
        [ACCOUNT.key, OTHER_ADDRESS.key],
    ]


async def test_forgotten_account_counts_for_its_address_only(counted: CountedAttempts) -> None:
    await counted.count("a:1", [ACCOUNT, ADDRESS], HOUR)
    for attempt in ("b:1", "c:1"):
        await counted.count(attempt, [Limit("account:10", 2)], HOUR)
        await counted.forget("account:10")

    await counted.forget(ACCOUNT.key)

    docs = await stored(counted)
    assert [keys(docs[f"{each}:1:1h"]) for each in "abc"] == [[ADDRESS.key], [], []]


async def test_refused_card_is_refused_to_its_account_only(
    refused_cards: RefusedCards, clock: FakeClock
) -> None:
    user, other = new_id(), new_id()
    await refused_cards.refuse(CARD.key, user)

    refused = [await refused_cards.is_refused(CARD.key, each) for each in (user, other)]

    doc = await refused_cards._collection.find_one({"_id": CARD.key})
    assert refused == [True, False]
    assert doc is not None
    assert doc["until"] == clock() + REFUSED_CARD_RETENTION


async def test_refused_accounts_of_a_card_are_bounded(refused_cards: RefusedCards) -> None:
    users = [new_id() for _ in range(MAX_REFUSED_ACCOUNTS + 5)]

    for user in [*users, users[-1]]:
        await refused_cards.refuse(CARD.key, user)

    doc = await refused_cards._collection.find_one({"_id": CARD.key})
    assert doc is not None
    assert doc["refused"] == users[5:]


async def test_index_of_earlier_versions_is_dropped(refused_cards: RefusedCards) -> None:
    await refused_cards._collection.create_index("attempts.id", name=FORMER_INDEX)

    await asyncio.gather(*(refused_cards.drop_former_index() for _ in range(3)))
    await refused_cards.drop_former_index()

    assert FORMER_INDEX not in await refused_cards._collection.index_information()
