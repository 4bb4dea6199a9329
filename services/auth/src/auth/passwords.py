"""Passwords: hashed with Argon2id, away from the event loop, a bounded number at a time."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import Any, Final, Self, TypeVar, cast

from passlib.context import CryptContext
from prometheus_client import Counter, Gauge

from auth.settings import Settings
from common.errors import Unavailable

T = TypeVar("T")

JOBS: Final = Gauge("auth_password_jobs", "Passwords being hashed, or waiting for it")
REFUSED: Final = Counter("auth_password_refused_total", "Hashes refused because too many waited")


class Passwords:
    """Hashes and checks passwords; Argon2 releases the interpreter's lock while it works."""

    def __init__(self, context: CryptContext, *, threads: int, queue: int) -> None:
        self._context = context
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="password")
        self._room = BoundedSemaphore(threads + queue)
        self._nobodys: str = context.hash("nobody has this password")

    @classmethod
    def configured(cls, settings: Settings) -> Self:
        """Take the cost of a hash and the size of the pool."""
        context = CryptContext(
            schemes=["argon2"],
            argon2__type="ID",
            argon2__memory_cost=settings.password_memory_kib,
            argon2__time_cost=settings.password_iterations,
            argon2__parallelism=settings.password_parallelism,
        )
        return cls(context, threads=settings.password_threads, queue=settings.password_queue)

    async def hash(self, password: str) -> str:
        """Hash a new password."""
        return await self._aside(lambda: cast(str, self._context.hash(password)))

    async def check(self, password: str, stored: str | None) -> tuple[bool, str | None]:
        """Tell whether it is the password, and give a new hash where the stored one is outdated.

        Without a stored hash it takes as long, so that the time does not tell who has an account.
        """
        right, renewed = await self._aside(lambda: self._verify(password, stored))
        return right and stored is not None, renewed

    def close(self) -> None:
        """Let the threads go."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _verify(self, password: str, stored: str | None) -> tuple[bool, str | None]:
        against = stored or self._nobodys
        return cast(Any, self._context.verify_and_update(password, against))

    async def _aside(self, work: Callable[[], T]) -> T:
        """Do it in the pool.

        Raises:
            Unavailable: too many wait already.
        """
        if not self._room.acquire(blocking=False):
            REFUSED.inc()
            raise Unavailable(retry_after=1)
        JOBS.inc()

        def leave(_: Future[T]) -> None:
            self._room.release()
            JOBS.dec()

        job = self._pool.submit(work)
        job.add_done_callback(leave)
        return await asyncio.wrap_future(job)
