"""Tests of server-sent event streams."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi.sse import KEEPALIVE_COMMENT
from pydantic import BaseModel
from starlette.types import Message

from common.errors import TooManyRequests
from common.testing.polling import TIMEOUT_SECONDS
from common.values.camel_model import CamelModel
from common.web import sse
from common.web.sse import MAX_CONNECTIONS_PER_SESSION, EventBroadcaster


async def _read_all(broadcaster: EventBroadcaster) -> bytes:
    stream = broadcaster.stream(network="192.0.2.1", session=None)
    return b"".join([bytes(chunk) async for chunk in stream.body_iterator])  # pyright: ignore[reportArgumentType] - we encode


async def test_open_stream_ends_when_service_stops() -> None:
    broadcaster = EventBroadcaster()
    reading = asyncio.create_task(_read_all(broadcaster))
    await asyncio.sleep(0)
    broadcaster.close()
    async with asyncio.timeout(TIMEOUT_SECONDS):
        await reading


async def test_stream_opened_while_service_stops_ends_immediately() -> None:
    broadcaster = EventBroadcaster()
    broadcaster.close()
    async with asyncio.timeout(TIMEOUT_SECONDS):
        assert await _read_all(broadcaster) == b"retry: 1000\n\n"


class Changed(BaseModel):
    """Something that changed."""

    text: str


async def test_replay_of_many_bytes_is_a_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_REPLAY_BYTES", 500)
    broadcaster = EventBroadcaster()
    for sequence in range(1, 5):
        broadcaster.publish("thing", lambda: Changed(text="x" * 150), sequence)
    broadcaster.close()

    async def read_after(last_event_id: int) -> bytes:
        stream = broadcaster.stream(network=None, session=None, last_event_id=last_event_id)
        return b"".join([bytes(chunk) async for chunk in stream.body_iterator])  # pyright: ignore[reportArgumentType] - we encode

    assert (await read_after(2)).count(b"event: thing") == 2
    assert await read_after(0) == sse.RETRY_FRAME + sse.RESET_FRAME


async def test_idle_stream_sends_heartbeats_until_unauthorized(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sse, "HEARTBEAT_SECONDS", 0.01)
    authorizations = iter([True, True, True, False])
    stream = EventBroadcaster().stream(
        network=None, session=None, is_authorized=lambda: next(authorizations)
    )

    async with asyncio.timeout(TIMEOUT_SECONDS):
        chunks = [chunk async for chunk in stream.body_iterator]

    assert chunks == [b"retry: 1000\n\n", KEEPALIVE_COMMENT, KEEPALIVE_COMMENT]


async def test_nothing_is_delivered_to_a_session_revoked_after_the_event() -> None:
    broadcaster = EventBroadcaster()
    is_revoked = False
    stream = broadcaster.stream(
        network=None, session=None, user="ann", is_authorized=lambda: not is_revoked
    )
    frames = aiter(stream.body_iterator)
    await anext(frames)
    broadcaster.publish("order", CamelModel, 1, audience=lambda: "ann")
    await broadcaster._flush()

    is_revoked = True

    with pytest.raises(StopAsyncIteration):
        await anext(frames)


async def test_idle_stream_of_a_revoked_session_ends_at_once() -> None:
    broadcaster = EventBroadcaster()
    revoked: set[str] = set()

    def open_stream(session: str) -> AsyncIterator[Any]:
        stream = broadcaster.stream(
            network=None,
            session=session,
            user="ann",
            is_authorized=lambda: session not in revoked,
        )
        return aiter(stream.body_iterator)

    ended, other = open_stream("phone"), open_stream("laptop")
    await anext(ended)
    await anext(other)
    revoked.add("phone")

    broadcaster.end_revoked("ann")
    broadcaster.publish("order", CamelModel, 1, audience=lambda: "ann")
    await broadcaster._flush()

    async with asyncio.timeout(TIMEOUT_SECONDS):
        assert [chunk async for chunk in ended] == []
        assert b"event: order" in await anext(other)


async def test_stalled_client_is_disconnected_and_frees_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sse, "SEND_TIMEOUT_SECONDS", 0.05)
    monkeypatch.setattr(sse, "MAX_CONNECTIONS", 1)
    broadcaster = EventBroadcaster()

    async def receive_nothing() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def send_blocked(message: Message) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async with asyncio.timeout(TIMEOUT_SECONDS):
        stream = broadcaster.stream(network="192.0.2.1", session=None)
        await stream({"type": "http"}, receive_nothing, send_blocked)

    assert broadcaster.stream(network="192.0.2.2", session=None)


async def test_client_that_disconnects_before_the_first_frame_frees_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sse, "MAX_CONNECTIONS", 1)
    broadcaster = EventBroadcaster()

    async def receive_disconnect() -> Message:
        return {"type": "http.disconnect"}

    async def send_nothing(_: Message) -> None:
        await asyncio.Event().wait()

    async with asyncio.timeout(TIMEOUT_SECONDS):
        stream = broadcaster.stream(network="192.0.2.1", session="a session")
        await stream({"type": "http"}, receive_disconnect, send_nothing)

    assert broadcaster.stream(network="192.0.2.1", session="a session")


def test_streams_beyond_the_limit_of_a_session_are_rejected() -> None:
    broadcaster = EventBroadcaster(max_per_network=100)
    for _ in range(MAX_CONNECTIONS_PER_SESSION):
        broadcaster.stream(network="192.0.2.1", session="one")

    with pytest.raises(TooManyRequests):
        broadcaster.stream(network="192.0.2.1", session="one")
    assert broadcaster.stream(network="192.0.2.1", session="two")
    assert broadcaster.stream(network="192.0.2.1", session=None)


def test_streams_beyond_the_limit_of_a_network_are_rejected() -> None:
    broadcaster = EventBroadcaster(max_per_network=20)
    for _ in range(20):
        broadcaster.stream(network="192.0.2.1", session=None)

    with pytest.raises(TooManyRequests):
        broadcaster.stream(network="192.0.2.1", session="one")
    assert broadcaster.stream(network="192.0.2.2", session="one")
    assert broadcaster.stream(network=None, session=None)


class _CountedBody:
    """Makes the same body each time, and counts how often."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> BaseModel:
        self.count += 1
        return Changed(text="x")


async def _open(broadcaster: EventBroadcaster, **options: Any) -> AsyncIterator[Any]:
    frames = aiter(broadcaster.stream(network=None, session=None, **options).body_iterator)
    await anext(frames)
    return frames


async def test_event_is_encoded_once_and_only_for_those_who_receive_it() -> None:
    broadcaster = EventBroadcaster()
    unseen, private, public = _CountedBody(), _CountedBody(), _CountedBody()
    broadcaster.publish("thing", unseen, 1)
    await broadcaster._flush()
    streams = [await _open(broadcaster, user=user) for user in ("ann", "ann", None)]

    broadcaster.publish("thing", private, 2, audience=lambda: "bob")
    broadcaster.publish("thing", public, 3)
    await broadcaster._flush()

    for stream in streams:
        assert (await anext(stream)).count(b"event: thing") == 1
    assert (unseen.count, private.count, public.count) == (0, 0, 1)


async def test_missed_events_are_replayed_to_their_audience_alone() -> None:
    broadcaster = EventBroadcaster()
    own, others, public = _CountedBody(), _CountedBody(), _CountedBody()
    broadcaster.publish("thing", public, 1)
    broadcaster.publish("thing", own, 2, audience=lambda: "ann")
    broadcaster.publish("thing", others, 3, audience=lambda: "bob")
    await broadcaster._flush()

    for _ in range(2):
        stream = broadcaster.stream(network=None, session=None, user="ann", last_event_id=0)
        replayed = bytes(await anext(aiter(stream.body_iterator)))  # pyright: ignore[reportArgumentType] - we encode
        assert [line for line in replayed.splitlines() if b"id:" in line] == [b"id: 1", b"id: 2"]
    assert (public.count, own.count, others.count) == (1, 1, 0)


async def test_private_event_of_an_unknown_audience_reaches_nobody() -> None:
    broadcaster = EventBroadcaster()
    streams = [await _open(broadcaster, user=user) for user in ("ann", None)]

    def fail() -> str:
        raise KeyError("userId")

    broadcaster.publish("secret", CamelModel, 1, audience=fail)
    broadcaster.publish("thing", CamelModel, 2)
    await broadcaster._flush()

    for stream in streams:
        received = await anext(stream)
        assert b"thing" in received
        assert b"secret" not in received


async def test_each_event_of_an_idle_broadcaster_is_delivered() -> None:
    broadcaster = EventBroadcaster()
    async with asyncio.timeout(TIMEOUT_SECONDS), broadcaster.run():
        stream = await _open(broadcaster)
        for sequence in (1, 2):
            broadcaster.publish("thing", CamelModel, sequence)
            assert b"event: thing" in await anext(stream)


async def test_idle_broadcaster_stops_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.background.STOP_TIMEOUT_SECONDS", 2 * TIMEOUT_SECONDS)

    async with asyncio.timeout(TIMEOUT_SECONDS), EventBroadcaster().run():
        await asyncio.sleep(0)  # until it waits for an event


async def test_invalid_event_does_not_stop_the_next() -> None:
    broadcaster = EventBroadcaster()
    stream = await _open(broadcaster)

    broadcaster.publish("bad", lambda: Changed.model_validate({}), 1)
    broadcaster.publish("good", CamelModel, 2)
    await broadcaster._flush()

    assert (await anext(stream)).count(b"event:") == 1
