"""A backup has all of a stream, or says that it has not."""

import asyncio
import signal
import subprocess
from collections.abc import Generator
from pathlib import Path

import nats
import pytest

from ticketing_local import backup_format
from ticketing_local.errors import CliError
from ticketing_local.stack import servers
from ticketing_local.testing.temporary_server import free_port
from ticketing_local.testing.tiny_stack import eventually

Server = tuple[str, "subprocess.Popen[bytes]"]
EVENTS = 1_200


@pytest.fixture
def server(tmp_path: Path) -> Generator[Server]:
    """A nats-server of this test's own, and its process."""
    program = servers.nats(free_port(), tmp_path, sync_interval="2m")
    process = subprocess.Popen(program.argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    eventually(program.is_ready)
    yield f"nats://127.0.0.1:{program.port}", process
    process.kill()
    process.wait(10)


async def test_dump_streams_reads_every_message(server: Server, tmp_path: Path) -> None:
    url, _ = server
    client = await nats.connect(url)
    stream = client.jetstream()
    await stream.add_stream(name="tickets", subjects=["ticket.>"])
    await asyncio.gather(*(stream.publish("ticket.created", b"x") for _ in range(EVENTS)))
    await client.close()

    assert await backup_format.dump_streams(url, tmp_path / "backup") == EVENTS


async def test_dump_of_stalled_stream_is_refused(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, process = server
    monkeypatch.setattr(backup_format, "FETCH_TIMEOUT_SECONDS", 0.2)
    client = await nats.connect(url)
    stream = client.jetstream()
    await stream.add_stream(name="tickets", subjects=["ticket.>"])
    await asyncio.gather(*(stream.publish("ticket.created", b"x") for _ in range(EVENTS)))

    lines = backup_format._messages(stream, "tickets", EVENTS)
    await anext(lines)
    process.send_signal(signal.SIGSTOP)
    with pytest.raises(CliError, match=f"only 500 of {EVENTS} events of tickets"):
        async for _ in lines:
            pass

    process.send_signal(signal.SIGCONT)
    await client.close()
