"""A backup contains a whole stream, or fails."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import nats
import pytest

from ticketing_local import backup_format
from ticketing_local.errors import CliError
from ticketing_local.stack import servers
from ticketing_local.testing.temporary_server import TemporaryServer

EVENTS = 1_200


@pytest.fixture
def server() -> Iterator[TemporaryServer]:
    with TemporaryServer(lambda port, data, _: servers.nats(port, data)) as running:
        yield running


async def test_dump_streams_reads_every_message(server: TemporaryServer, tmp_path: Path) -> None:
    url = servers.nats_url(server.port)
    client = await nats.connect(url)
    stream = client.jetstream()
    await stream.add_stream(name="tickets", subjects=["ticket.>"])
    await asyncio.gather(*(stream.publish("ticket.created", b"x") for _ in range(EVENTS)))
    await client.close()

    assert await backup_format.dump_streams(url, tmp_path / "backup") == EVENTS


async def test_dump_of_stalled_stream_is_refused(
    server: TemporaryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup_format, "FETCH_TIMEOUT_SECONDS", 0.2)
    client = await nats.connect(servers.nats_url(server.port))
    stream = client.jetstream()
    await stream.add_stream(name="tickets", subjects=["ticket.>"])
    await asyncio.gather(*(stream.publish("ticket.created", b"x") for _ in range(EVENTS)))

    lines = backup_format._messages(stream, "tickets", EVENTS)
    await anext(lines)
    server.pause()
    with pytest.raises(CliError, match=f"Only 500 of {EVENTS} events of tickets"):
        async for _ in lines:
            pass

    server.resume()
    await client.close()
