import asyncio

from common.live import Feed


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
