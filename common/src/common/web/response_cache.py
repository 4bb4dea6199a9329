"""A cache of finished public responses, so that most reads need no database.

A response is served for at most 100 ms after its data was read. The bound does not depend on
events, which could be late. Known changes are dropped earlier (`invalidate`), and a user who wrote
on this replica never gets a response from before that write (`note_write_by`). Concurrent requests
for one key share one computation, unless it began before the reader's own write.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

TTL_SECONDS: Final = 0.1
MAX_ENTRIES: Final = 2_000
MAX_BYTES: Final = 64 * 1024 * 1024
"""Of keys, headers and bodies: strangers choose the keys."""
ENTRY_OVERHEAD_BYTES: Final = 1_000

Key = tuple[str, bytes]
"""A path, and the query in its canonical form."""
Normalize = Callable[[str], str]
"""Returns one spelling for all values of a parameter that mean the same."""


@dataclass(frozen=True, slots=True)
class CachedResponse:
    """A finished response with the time at which its data was read."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    tag: str
    read_at: float
    route: Any = None
    """The matched route, whose template labels the metrics."""


@dataclass(eq=False, slots=True)
class InFlightRequest:
    """A computation in progress: when it began, and the future that its waiters await."""

    started_at: float
    result: asyncio.Future[CachedResponse | None]


class ResponseCache:
    """A cache bounded in entries and bytes."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        parameters: Mapping[str, Mapping[str, Normalize]] | None = None,
    ) -> None:
        """Create an empty cache.

        Args:
            clock: returns the time in seconds.
            parameters: the query parameters that each path knows. The route gets no others, and
                no others distinguish one response from another.
        """
        self.clock = clock
        self._parameters = parameters or {}
        self._entries: OrderedDict[Key, CachedResponse] = OrderedDict()
        self._bytes = 0
        self._in_flight: dict[Key, InFlightRequest] = {}
        self._last_writes: OrderedDict[str, float] = OrderedDict()

    def oldest_acceptable(self, get_user_id: Callable[[], str | None]) -> float:
        """Return the earliest acceptable read time: the TTL, or the reader's own last write.

        Args:
            get_user_id: returns the reader. Called only if some user wrote within the TTL.
        """
        oldest = self.clock() - TTL_SECONDS
        self._forget_writes_before(oldest)
        if not self._last_writes:
            return oldest
        return max(oldest, self._last_writes.get(get_user_id() or "", oldest))

    def key(self, path: str, query: bytes) -> Key:
        """Return the key of a request: its known parameters in a fixed order."""
        if not query:
            return path, b""
        values = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
        known = [
            (name, normalize(values[name]))
            for name, normalize in self._parameters.get(path, {}).items()
            if name in values
        ]
        return path, urlencode(known).encode()

    def get(self, key: Key, oldest: float) -> CachedResponse | None:
        """Return the cached response if its data was read after `oldest`."""
        entry = self._entries.get(key)
        return entry if entry is not None and entry.read_at > oldest else None

    def in_flight(self, key: Key, oldest: float) -> InFlightRequest | None:
        """Return the computation in progress for this key if it began after `oldest`."""
        request = self._in_flight.get(key)
        return request if request is not None and request.started_at > oldest else None

    def begin(self, key: Key) -> InFlightRequest:
        """Start a computation that other requests can wait for."""
        future: asyncio.Future[CachedResponse | None] = asyncio.get_running_loop().create_future()
        request = self._in_flight[key] = InFlightRequest(self.clock(), future)
        return request

    def finish(self, key: Key, request: InFlightRequest, response: CachedResponse | None) -> None:
        """End a computation. Cache its response unless it was superseded or invalidated."""
        if not request.result.done():
            request.result.set_result(response)
        if self._in_flight.get(key) is request:
            del self._in_flight[key]
            if response is not None:
                self._store(key, response)

    def _store(self, key: Key, response: CachedResponse) -> None:
        self._drop(key)
        self._entries[key] = response
        self._bytes += memory_size(key, response)
        while len(self._entries) > MAX_ENTRIES or self._bytes > MAX_BYTES:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: Key) -> None:
        dropped = self._entries.pop(key, None)
        if dropped is not None:
            self._bytes -= memory_size(key, dropped)

    def invalidate(self, path: str, *tags: str) -> None:
        """Drop the response at this path without a query, unless it has one of these tags."""
        key = (path, b"")
        entry = self._entries.get(key)
        if entry is not None and entry.tag in tags:
            return
        self._in_flight.pop(key, None)
        self._drop(key)

    def note_write_by(self, user_id: str) -> None:
        """Record a write, after which this user gets no older response."""
        self._last_writes.pop(user_id, None)
        self._last_writes[user_id] = now = self.clock()
        self._forget_writes_before(now - TTL_SECONDS)

    def _forget_writes_before(self, oldest: float) -> None:
        while self._last_writes:
            writer, written_at = next(iter(self._last_writes.items()))
            if written_at > oldest:
                break
            del self._last_writes[writer]


def memory_size(key: Key, response: CachedResponse) -> int:
    """Return the approximate memory use of an entry in bytes."""
    path, query = key
    headers = sum(len(name) + len(value) for name, value in response.headers)
    return len(path) + len(query) + headers + len(response.body) + ENTRY_OVERHEAD_BYTES


def to_cached_response(
    status: int,
    headers: Sequence[tuple[bytes, bytes]],
    body: bytes,
    read_at: float,
    route: object,
) -> CachedResponse:
    """Build a cached response. Its ETag is that of the headers, or a hash of the body."""
    headers = [*headers, (b"cache-control", b"no-cache")]
    tag = next((v.decode() for k, v in headers if k == b"etag"), "")
    if not tag:
        tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        headers.append((b"etag", tag.encode()))
    return CachedResponse(status, headers, body, tag, read_at, route)
