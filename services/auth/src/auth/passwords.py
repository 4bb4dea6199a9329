"""Password hashing with Argon2id in a bounded thread pool."""

import asyncio
import os
import sys
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final, Self, TypeVar, cast

from passlib.context import CryptContext
from prometheus_client import Counter as Metric
from prometheus_client import Gauge

from auth.settings import Settings
from common.errors import ServiceUnavailable, TooManyRequests

T = TypeVar("T")

HASH_JOBS: Final = Gauge("password_hash_jobs", "Password hashes running or queued")
HASHES_REJECTED: Final = Metric(
    "password_hash_rejected_total", "Password hashes rejected because the queue was full"
)
SHARES: Final = 4
"""One client's jobs may use this part of the capacity, so that it cannot block the others. The same
part is kept for known browsers, so that strangers at many addresses cannot block those."""


NICENESS: Final = 10
"""Gives a hash a tenth of the CPU where it competes, so that a flood of sign-ins delays itself
and not the requests of others."""


@dataclass(frozen=True, slots=True)
class HashClient:
    """The client for which a password is hashed."""

    key: str
    """The address, or the id of a known browser."""
    is_known_browser: bool = False


WaitingJobs = OrderedDict[str, deque[tuple[Future[Any], Callable[[], Any]]]]
"""The waiting jobs of each client, in the order of their turns."""


class PasswordHasher:
    """Hashes and verifies passwords in threads, because Argon2 releases the GIL.

    The waiting clients take turns, so that one with many jobs delays another by one job. Known
    browsers and strangers take turns too, so that strangers at many addresses delay a known
    browser by one job.
    """

    def __init__(self, context: CryptContext, *, threads: int, queue: int) -> None:
        self._context = context
        self._pool = ThreadPoolExecutor(
            threads, thread_name_prefix="password", initializer=_lower_priority
        )
        self._capacity = threads + queue
        self._idle_threads = threads
        self._waiting: tuple[WaitingJobs, WaitingJobs] = OrderedDict(), OrderedDict()
        """The jobs of strangers, and those of known browsers."""
        self._next_turn = True
        self._jobs_by_client: Counter[str] = Counter()
        self._lock = Lock()  # a job ends in its thread
        self._dummy_hash: str = context.hash("no user has this password")

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        context = CryptContext(
            schemes=["argon2"],
            argon2__type="ID",
            argon2__memory_cost=settings.password_memory_kib,
            argon2__time_cost=settings.password_iterations,
            argon2__parallelism=settings.password_parallelism,
        )
        return cls(context, threads=settings.password_threads, queue=settings.password_queue)

    async def hash(self, password: str, *, client: HashClient) -> str:
        """Return the hash of a password, on behalf of a client."""
        return await self._run_in_pool(lambda: cast(str, self._context.hash(password)), client)

    async def check(
        self, password: str, stored: str | None, *, client: HashClient
    ) -> tuple[bool, str | None]:
        """Return whether the password is right, and a new hash if the stored one is outdated.

        Without a stored hash the check takes as long, so that its duration does not reveal whether
        an account exists.
        """
        is_valid, new_hash = await self._run_in_pool(lambda: self._verify(password, stored), client)
        return is_valid and stored is not None, new_hash

    def require_capacity(self, client: HashClient) -> None:
        """Check that a hash of this client would be accepted now.

        Raises:
            ServiceUnavailable: The queue is full, but for what is kept for known browsers.
            TooManyRequests: The client occupies its share of it.
        """
        with self._lock:
            self._require_capacity(client)

    def close(self) -> None:
        with self._lock:
            abandoned = [
                job for waiting in self._waiting for jobs in waiting.values() for job, _ in jobs
            ]
            for waiting in self._waiting:
                waiting.clear()
        for job in abandoned:
            job.cancel()
        self._pool.shutdown(wait=False)

    def _require_capacity(self, client: HashClient) -> None:
        reserved = 0 if client.is_known_browser else self._capacity // SHARES
        if self._jobs_by_client.total() >= self._capacity - reserved:
            HASHES_REJECTED.inc()
            raise ServiceUnavailable(retry_after=1)
        if self._jobs_by_client[client.key] >= max(1, self._capacity // SHARES):
            HASHES_REJECTED.inc()
            raise TooManyRequests(retry_after=1)

    def _verify(self, password: str, stored: str | None) -> tuple[bool, str | None]:
        hash_to_check = stored or self._dummy_hash
        return cast(Any, self._context.verify_and_update(password, hash_to_check))

    async def _run_in_pool(self, work: Callable[[], T], client: HashClient) -> T:
        """Run `work` in the pool, which a cancelled caller still occupies until `work` returns.

        Raises:
            ServiceUnavailable: The queue is full, but for what is kept for known browsers.
            TooManyRequests: The client occupies its share of it.
        """
        job = Future[T]()
        with self._lock:
            self._require_capacity(client)
            self._jobs_by_client[client.key] += 1
            HASH_JOBS.inc()
            waiting = self._waiting[client.is_known_browser]
            waiting.setdefault(client.key, deque()).append((job, work))
            self._start_waiting()
        return await asyncio.wrap_future(job)

    def _start_waiting(self) -> None:
        """Start the next job of the client whose turn it is, while a thread is idle."""
        while self._idle_threads and any(self._waiting):
            waiting = self._waiting[self._next_turn] or self._waiting[not self._next_turn]
            self._next_turn = waiting is self._waiting[False]
            key, jobs = waiting.popitem(last=False)
            job, work = jobs.popleft()
            if jobs:
                waiting[key] = jobs  # its next turn is after those of all others
            self._idle_threads -= 1
            self._pool.submit(self._run, key, job, work)

    def _run(self, key: str, job: Future[T], work: Callable[[], T]) -> None:
        """Run a job in a thread, unless it was cancelled while it waited.

        Its place is free before its caller gets the result.
        """
        error: BaseException | None = None
        result: Any = None
        is_wanted = job.set_running_or_notify_cancel()
        if is_wanted:
            try:
                result = work()
            except BaseException as raised:  # noqa: BLE001 - the caller gets it
                error = raised
        with self._lock:
            self._jobs_by_client[key] -= 1
            if not self._jobs_by_client[key]:
                del self._jobs_by_client[key]
            HASH_JOBS.dec()
            self._idle_threads += 1
            self._start_waiting()
        if error is not None:
            job.set_exception(error)
        elif is_wanted:
            job.set_result(result)


def _lower_priority() -> None:
    """Lower the priority of this thread. Only Linux has one per thread."""
    if sys.platform == "linux":
        os.nice(NICENESS)
