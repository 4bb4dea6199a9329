import asyncio

import pytest
from starlette.types import Message

from common.web import sse
from common.web.sse import Feed


async def _read_to_its_end(feed: Feed) -> bytes:
    stream = feed.stream(key="somebody")
    return b"".join([bytes(beat) async for beat in stream.body_iterator])  # pyright: ignore[reportArgumentType] - we encode


async def test_a_stream_ends_when_the_service_stops() -> None:
    feed = Feed()
    reading = asyncio.create_task(_read_to_its_end(feed))
    await asyncio.sleep(0)
    feed.close()
    async with asyncio.timeout(5):
        await reading


async def test_a_stream_that_is_asked_for_while_the_service_stops_ends_at_once() -> None:
    feed = Feed()
    feed.close()
    async with asyncio.timeout(5):
        assert await _read_to_its_end(feed) == b"retry: 1000\n\n"


async def test_a_stream_with_nothing_to_show_beats_until_its_reader_may_no_longer_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sse, "HEARTBEAT", 0.01)
    looks = iter([True, True, True, False])
    stream = Feed().stream(key="somebody", alive=lambda: next(looks))

    async with asyncio.timeout(5):
        beats = [beat async for beat in stream.body_iterator]

    assert beats == [b"retry: 1000\n\n", b": still here\n\n", b": still here\n\n"]


async def test_a_screen_that_takes_nothing_gives_its_place_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sse, "SLOWEST", 0.05)
    monkeypatch.setattr(sse, "MAX_SCREENS", 1)
    feed = Feed()

    async def nobody_leaves() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def nobody_reads(message: Message) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async with asyncio.timeout(5):
        await feed.stream(key="somebody")({"type": "http"}, nobody_leaves, nobody_reads)

    assert feed.stream(key="somebody else")
