"""Finished answers, kept in memory for a tenth of a second: most reads cost no database.

An answer is served for at most 100 ms after its data was read: that rests on the clock alone, not
on events that could be late. Two things make it fresher: what is known to have changed is dropped
at once (`changed`), and a user who wrote on this replica is never shown what was read before that
write (`wrote`). One reader at a time computes a key and the others wait for it; nobody joins a
computation that began before their own write.

Only for answers that are the same for everybody.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

FRESH_SECONDS: Final = 0.1
MAX_ANSWERS: Final = 2_000
MAX_BYTES: Final = 64 * 1024 * 1024

Key = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer: its status, its bytes on the wire, and until when it is true enough."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    tag: str
    read_at: float
    route: Any = None
    """Whose answer it is: the metrics want its template."""

    @property
    def size(self) -> int:
        """About how much memory it takes."""
        return len(self.body) + 500


@dataclass(eq=False, slots=True)
class Computation:
    """An answer in the making, when it began, and those who wait for it."""

    began: float
    answer: asyncio.Future[Answer | None]


class Recent:
    """A bounded store of finished answers."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the clock, in seconds."""
        self.clock = clock
        self._answers: OrderedDict[Key, Answer] = OrderedDict()
        self._bytes = 0
        self._computing: dict[Key, Computation] = {}
        self._wrote: OrderedDict[str, float] = OrderedDict()

    def since(self, user_id: Callable[[], str | None]) -> float:
        """Say how old an answer may be: a tenth of a second, or the reader's own last write.

        Args:
            user_id: tells who reads; asked only while somebody's write is that young.
        """
        oldest = self._oldest()
        while self._wrote:
            writer, at = next(iter(self._wrote.items()))
            if at > oldest:
                break
            del self._wrote[writer]
        if not self._wrote:
            return oldest
        return max(oldest, self._wrote.get(user_id() or "", oldest))

    def get(self, key: Key, since: float) -> Answer | None:
        """Give an answer whose data was read after that moment."""
        answer = self._answers.get(key)
        return answer if answer is not None and answer.read_at > since else None

    def computing(self, key: Key, since: float) -> Computation | None:
        """Give the computation that is under way for this key, if it began after that moment."""
        computation = self._computing.get(key)
        return computation if computation is not None and computation.began > since else None

    def compute(self, key: Key) -> Computation:
        """Begin a computation that others may wait for."""
        future: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        computation = self._computing[key] = Computation(self.clock(), future)
        return computation

    def computed(self, key: Key, computation: Computation, answer: Answer | None) -> None:
        """End a computation; its answer is kept unless another began or a change came since."""
        if not computation.answer.done():
            computation.answer.set_result(answer)
        if self._computing.get(key) is computation:
            del self._computing[key]
            if answer is not None:
                self._keep(key, answer)

    def _keep(self, key: Key, answer: Answer) -> None:
        old = self._answers.pop(key, None)
        self._bytes += answer.size - (old.size if old else 0)
        self._answers[key] = answer
        while len(self._answers) > MAX_ANSWERS or self._bytes > MAX_BYTES:
            _, dropped = self._answers.popitem(last=False)
            self._bytes -= dropped.size

    def changed(self, path: str, tag: str | None = None) -> None:
        """Forget what was answered at this path, without a query, but for what bears this tag."""
        key = (path, b"")
        answer = self._answers.get(key)
        if answer is not None and answer.tag == tag:
            return
        self._computing.pop(key, None)
        if answer is not None:
            self._bytes -= self._answers.pop(key).size

    def _oldest(self) -> float:
        return self.clock() - FRESH_SECONDS

    def wrote(self, user_id: str) -> None:
        """Note that this user has just written: they are shown nothing older."""
        self._wrote.pop(user_id, None)
        self._wrote[user_id] = self.clock()


def finished(
    status: int,
    headers: Sequence[tuple[bytes, bytes]],
    body: bytes,
    began: float,
    route: object,
) -> Answer:
    """Give an answer the tag by which a reader asks again, if it has none yet."""
    headers = [*headers, (b"cache-control", b"no-cache")]
    tag = next((v.decode() for k, v in headers if k == b"etag"), "")
    if not tag:
        tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        headers.append((b"etag", tag.encode()))
    return Answer(status, headers, body, tag, began, route)
