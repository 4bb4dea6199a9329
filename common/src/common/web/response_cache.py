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

TTL_SECONDS: Final = 0.1
MAX_ENTRIES: Final = 2_000
MAX_BYTES: Final = 64 * 1024 * 1024

Key = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class CachedResponse:
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
class InFlightRequest:
    """An answer in the making, when it began, and those who wait for it."""

    started_at: float
    result: asyncio.Future[CachedResponse | None]


class ResponseCache:
    """A bounded store of finished answers."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the clock, in seconds."""
        self.clock = clock
        self._entries: OrderedDict[Key, CachedResponse] = OrderedDict()
        self._bytes = 0
        self._in_flight: dict[Key, InFlightRequest] = {}
        self._last_writes: OrderedDict[str, float] = OrderedDict()

    def oldest_acceptable(self, get_user_id: Callable[[], str | None]) -> float:
        """Say how old an answer may be: a tenth of a second, or the reader's own last write.

        Args:
            get_user_id: tells who reads; asked only while somebody's write is that young.
        """
        oldest = self._oldest_fresh()
        while self._last_writes:
            writer, written_at = next(iter(self._last_writes.items()))
            if written_at > oldest:
                break
            del self._last_writes[writer]
        if not self._last_writes:
            return oldest
        return max(oldest, self._last_writes.get(get_user_id() or "", oldest))

    def get(self, key: Key, oldest: float) -> CachedResponse | None:
        """Give an answer whose data was read after that moment."""
        entry = self._entries.get(key)
        return entry if entry is not None and entry.read_at > oldest else None

    def in_flight(self, key: Key, oldest: float) -> InFlightRequest | None:
        """Give the computation that is under way for this key, if it began after that moment."""
        request = self._in_flight.get(key)
        return request if request is not None and request.started_at > oldest else None

    def begin(self, key: Key) -> InFlightRequest:
        """Begin a computation that others may wait for."""
        future: asyncio.Future[CachedResponse | None] = asyncio.get_running_loop().create_future()
        request = self._in_flight[key] = InFlightRequest(self.clock(), future)
        return request

    def finish(self, key: Key, request: InFlightRequest, response: CachedResponse | None) -> None:
        """End a computation; its answer is kept unless another began or a change came since."""
        if not request.result.done():
            request.result.set_result(response)
        if self._in_flight.get(key) is request:
            del self._in_flight[key]
            if response is not None:
                self._store(key, response)

    def _store(self, key: Key, response: CachedResponse) -> None:
        previous = self._entries.pop(key, None)
        self._bytes += response.size - (previous.size if previous else 0)
        self._entries[key] = response
        while len(self._entries) > MAX_ENTRIES or self._bytes > MAX_BYTES:
            _, evicted = self._entries.popitem(last=False)
            self._bytes -= evicted.size

    def invalidate(self, path: str, tag: str | None = None) -> None:
        """Forget what was answered at this path, without a query, but for what bears this tag."""
        key = (path, b"")
        entry = self._entries.get(key)
        if entry is not None and entry.tag == tag:
            return
        self._in_flight.pop(key, None)
        if entry is not None:
            self._bytes -= self._entries.pop(key).size

    def _oldest_fresh(self) -> float:
        return self.clock() - TTL_SECONDS

    def note_write_by(self, user_id: str) -> None:
        """Note that this user has just written: they are shown nothing older."""
        self._last_writes.pop(user_id, None)
        self._last_writes[user_id] = self.clock()


def to_cached_response(
    status: int,
    headers: Sequence[tuple[bytes, bytes]],
    body: bytes,
    read_at: float,
    route: object,
) -> CachedResponse:
    """Give an answer the tag by which a reader asks again, if it has none yet."""
    headers = [*headers, (b"cache-control", b"no-cache")]
    tag = next((v.decode() for k, v in headers if k == b"etag"), "")
    if not tag:
        tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        headers.append((b"etag", tag.encode()))
    return CachedResponse(status, headers, body, tag, read_at, route)
