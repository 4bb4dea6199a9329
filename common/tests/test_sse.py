"""Tests of server-sent event streams."""

import asyncio

import pytest
from fastapi.sse import KEEPALIVE_COMMENT
from pydantic import BaseModel
from starlette.types import Message

from common.web import sse
from common.web.sse import EventBroadcaster


async def _read_all(broadcaster: EventBroadcaster) -> bytes:
    stream = broadcaster.stream(client="somebody")
    return b"".join([bytes(chunk) async for chunk in stream.body_iterator])  # pyright: ignore[reportArgumentType] - we encode


async def test_open_stream_ends_when_service_stops() -> None:
    broadcaster = EventBroadcaster()
    reading = asyncio.create_task(_read_all(broadcaster))
    await asyncio.sleep(0)
    broadcaster.close()
    async with asyncio.timeout(5):
        await reading


async def test_stream_opened_while_service_stops_ends_immediately() -> None:
    broadcaster = EventBroadcaster()
    broadcaster.close()
    async with asyncio.timeout(5):
        assert await _read_all(broadcaster) == b"retry: 1000\n\n"


class Changed(BaseModel):
    """Something that changed."""

    text: str


async def test_replay_of_many_bytes_is_a_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_REPLAY_BYTES", 500)
    broadcaster = EventBroadcaster()
    for sequence in range(1, 5):
        broadcaster.publish("thing", Changed(text="x" * 150), sequence)
    broadcaster.close()

    async def read_after(last_event_id: int) -> bytes:
        stream = broadcaster.stream(client="somebody", last_event_id=last_event_id)
        return b"".join([bytes(chunk) async for chunk in stream.body_iterator])  # pyright: ignore[reportArgumentType] - we encode

    assert (await read_after(2)).count(b"event: thing") == 2
    assert await read_after(0) == sse.RETRY_FRAME + sse.RESET_FRAME


async def test_idle_stream_sends_heartbeats_until_unauthorized(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sse, "HEARTBEAT_SECONDS", 0.01)
    authorizations = iter([True, True, True, False])
    stream = EventBroadcaster().stream(
        client="somebody", is_authorized=lambda: next(authorizations)
    )

    async with asyncio.timeout(5):
        chunks = [chunk async for chunk in stream.body_iterator]

    assert chunks == [b"retry: 1000\n\n", KEEPALIVE_COMMENT, KEEPALIVE_COMMENT]


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

    async with asyncio.timeout(5):
        await broadcaster.stream(client="somebody")({"type": "http"}, receive_nothing, send_blocked)

    assert broadcaster.stream(client="somebody else")
