"""Tests of password hashing and of its bounded queue."""

import asyncio
from collections.abc import Iterator
from functools import partial
from threading import Event
from typing import Any, cast

import pytest
from passlib.context import CryptContext

from auth.passwords import HashClient, PasswordHasher
from auth.settings import Settings
from common.errors import ServiceUnavailable, TooManyRequests

ANN, BOB = HashClient("192.0.2.1"), HashClient("192.0.2.2")
"""The addresses of two clients."""


class CountedContext(CryptContext):
    """Counts the hashes computed to check a password."""

    checks = 0

    def verify_and_update(self, *arguments: Any, **options: Any) -> Any:
        self.checks += 1
        return cast(Any, super().verify_and_update(*arguments, **options))


def context(iterations: int = 1) -> CountedContext:
    return CountedContext(
        schemes=["argon2"],
        argon2__type="ID",
        argon2__memory_cost=8,
        argon2__time_cost=iterations,
        argon2__parallelism=1,
    )


@pytest.fixture
def passwords() -> Iterator[PasswordHasher]:
    made = PasswordHasher(context(), threads=1, queue=1)
    yield made
    made.close()


async def test_only_the_exact_password_is_valid(passwords: PasswordHasher) -> None:
    stored = await passwords.hash("  a b  ", client=ANN)

    assert await passwords.check("  a b  ", stored, client=ANN) == (True, None)
    assert await passwords.check("a b", stored, client=ANN) == (False, None)


@pytest.mark.parametrize(
    ("password", "other"),
    [
        ("abc\0def", "abc\0xyz"),
        ("x" * 127 + "a", "x" * 127 + "b"),
        ("ü" * 127 + "a", "ü" * 127 + "b"),
        ("      ", "       "),
    ],
)
async def test_every_character_of_a_password_matters(
    passwords: PasswordHasher, password: str, other: str
) -> None:
    stored = await passwords.hash(password, client=ANN)

    assert (await passwords.check(password, stored, client=ANN))[0]
    assert not (await passwords.check(other, stored, client=ANN))[0]


async def test_hashes_of_one_password_differ(passwords: PasswordHasher) -> None:
    assert await passwords.hash("secret", client=ANN) != await passwords.hash("secret", client=ANN)


async def test_check_without_a_stored_hash_fails_after_hashing() -> None:
    counted = context()
    passwords = PasswordHasher(counted, threads=1, queue=0)

    assert await passwords.check("no user has this password", None, client=ANN) == (False, None)
    assert counted.checks == 1


async def test_right_password_renews_a_hash_of_another_cost(
    passwords: PasswordHasher,
) -> None:
    old = await passwords.hash("secret", client=ANN)
    costlier = PasswordHasher(context(iterations=2), threads=1, queue=0)

    is_valid, new_hash = await costlier.check("secret", old, client=ANN)

    assert is_valid
    assert new_hash is not None
    assert ",t=2," in new_hash
    assert await costlier.check("secret", new_hash, client=ANN) == (True, None)
    assert await costlier.check("wrong", old, client=ANN) == (False, None)


async def test_hash_beyond_the_queue_limit_is_rejected(
    passwords: PasswordHasher,
) -> None:
    go = Event()
    blocking_jobs = [
        asyncio.create_task(passwords._run_in_pool(go.wait, client)) for client in (ANN, BOB)
    ]
    await asyncio.sleep(0)

    with pytest.raises(ServiceUnavailable) as rejected:
        await passwords.hash("secret", client=ANN)
    go.set()
    await asyncio.gather(*blocking_jobs)

    assert rejected.value.retry_after == 1
    assert await passwords.hash("secret", client=ANN)


async def test_waiting_clients_take_turns() -> None:
    passwords = PasswordHasher(context(), threads=1, queue=15)
    go, order = Event(), list[str]()
    jobs: list[asyncio.Task[Any]] = [
        asyncio.create_task(passwords._run_in_pool(go.wait, HashClient("192.0.2.9")))
    ]
    for client, count in ((ANN, 4), (BOB, 1)):
        for _ in range(count):
            work = partial(order.append, client.key)
            jobs.append(asyncio.create_task(passwords._run_in_pool(work, client)))
    await asyncio.sleep(0)

    go.set()
    await asyncio.gather(*jobs)

    assert order == [ANN.key, BOB.key, ANN.key, ANN.key, ANN.key]


async def test_known_browser_waits_for_one_job_of_strangers() -> None:
    passwords = PasswordHasher(context(), threads=1, queue=15)
    go, order = Event(), list[str]()
    jobs: list[asyncio.Task[Any]] = [
        asyncio.create_task(passwords._run_in_pool(go.wait, HashClient("192.0.2.9")))
    ]
    known = HashClient("browser:7", is_known_browser=True)
    for client in (ANN, BOB, ANN, known):
        work = partial(order.append, client.key)
        jobs.append(asyncio.create_task(passwords._run_in_pool(work, client)))
    await asyncio.sleep(0)

    go.set()
    await asyncio.gather(*jobs)

    assert order.index(known.key) <= 1


async def test_strangers_leave_a_quarter_of_the_capacity_to_known_browsers() -> None:
    passwords = PasswordHasher(context(), threads=1, queue=7)
    go = Event()
    strangers = [
        asyncio.create_task(passwords._run_in_pool(go.wait, HashClient(f"192.0.2.{n}")))
        for n in range(6)
    ]
    await asyncio.sleep(0)

    with pytest.raises(ServiceUnavailable):
        await passwords.hash("secret", client=HashClient("192.0.2.9"))
    known = HashClient("browser:7", is_known_browser=True)
    hashes = [asyncio.create_task(passwords.hash("secret", client=known)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(ServiceUnavailable):
        passwords.require_capacity(HashClient("browser:8", is_known_browser=True))
    go.set()
    await asyncio.gather(*strangers)

    assert all(await asyncio.gather(*hashes))


async def test_client_may_use_a_quarter_of_the_capacity() -> None:
    passwords = PasswordHasher(context(), threads=1, queue=7)
    go = Event()
    blocking_jobs = [asyncio.create_task(passwords._run_in_pool(go.wait, ANN)) for _ in range(2)]
    await asyncio.sleep(0)

    with pytest.raises(TooManyRequests) as rejected:
        await passwords.hash("secret", client=ANN)
    with pytest.raises(TooManyRequests):
        passwords.require_capacity(ANN)
    passwords.require_capacity(BOB)
    others = asyncio.create_task(passwords.hash("secret", client=BOB))
    go.set()
    await asyncio.gather(*blocking_jobs)

    assert rejected.value.retry_after == 1
    assert await others
    assert await passwords.hash("secret", client=ANN)


async def test_cancelled_caller_occupies_the_pool_until_its_job_ends() -> None:
    passwords = PasswordHasher(context(), threads=1, queue=0)
    go, started = Event(), Event()

    def work() -> bool:
        started.set()
        return go.wait()

    task = asyncio.create_task(passwords._run_in_pool(work, ANN))
    await asyncio.to_thread(started.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    with pytest.raises(ServiceUnavailable):
        await passwords.hash("secret", client=ANN)
    go.set()
    passwords._pool.submit(int).result()
    assert await passwords.hash("secret", client=ANN)


def test_default_cost_is_the_owasp_minimum() -> None:
    settings = Settings(
        mongo_uri="mongodb://localhost/auth",
        nats_url="nats://localhost",
        jwt_key="k" * 32,  # pyright: ignore[reportArgumentType] - read as from the environment
        letter_key="c3" * 32,  # pyright: ignore[reportArgumentType]
    )

    made = PasswordHasher.from_settings(settings)

    assert made._dummy_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
