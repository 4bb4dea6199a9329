"""Tests of broken and stalled connections to NATS."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from common.auth.revocations import Revocations
from common.auth.tokens import User
from common.events import SessionRevoked
from common.messaging import bus
from common.messaging.bus import PublishError
from common.operations.set_up_nats import declare_when_available
from common.testing.events import EventProbe
from common.testing.polling import TIMEOUT_SECONDS, eventually
from common.values.clock import utc_now
from common.values.ids import new_id


class TcpProxy:
    """A proxy to NATS that can drop responses, stall and disconnect."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._dropping: list[asyncio.StreamWriter] = []
        self.dropped = b""
        self._stalled: list[asyncio.StreamWriter] = []
        self.url = ""

    @asynccontextmanager
    async def run(self) -> AsyncGenerator["TcpProxy"]:
        """Accept connections inside the context."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield self
            await self.disconnect()

    def drop_responses(self) -> None:
        """Drop what the server sends on the current connections."""
        self._dropping = list(self._writers)

    def stall(self) -> None:
        """Stop reading from the current connections without closing them."""
        self._stalled = list(self._writers)

    async def disconnect(self) -> None:
        """Abort the current connections."""
        writers, self._writers = self._writers, []
        for writer in writers:
            writer.transport.abort()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection(*self._target)
        self._writers += [writer, up_writer]
        for source, target in ((reader, up_writer), (up_reader, writer)):
            task = asyncio.create_task(self._pump(source, target))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65_536):
                if target in self._stalled:
                    await asyncio.Event().wait()
                if target in self._dropping:
                    self.dropped += data
                else:
                    target.write(data)
                    await target.drain()
        except ConnectionError:
            target.transport.abort()


@pytest.fixture
async def proxy(nats_url: str) -> AsyncGenerator[TcpProxy]:
    """A running proxy between the test and NATS."""
    address = urlsplit(nats_url)
    assert address.hostname
    assert address.port
    async with TcpProxy(address.hostname, address.port).run() as running_proxy:
        yield running_proxy


def new_revocation() -> SessionRevoked:
    return SessionRevoked(
        user_id=new_id(), session_id=new_id(), until=utc_now() + timedelta(minutes=15)
    )


async def test_revocation_lost_with_the_connection_is_redelivered(
    proxy: TcpProxy, published: EventProbe, namespace: str
) -> None:
    first, lost, after = new_revocation(), new_revocation(), new_revocation()
    revocations = Revocations(utc_now)

    async def wait_until_revoked(event: SessionRevoked) -> None:
        async def is_revoked() -> bool:
            return revocations.is_revoked(User(event.user_id, "", event.session_id))

        await eventually(is_revoked)

    async def is_lost_dropped() -> bool:
        return lost.session_id.encode() in proxy.dropped

    async with bus.connect(proxy.url, "orders", namespace=namespace) as orders:
        await revocations.subscribe(orders)
        await published.publish(first, aggregate_id=first.session_id)
        await wait_until_revoked(first)

        proxy.drop_responses()
        await published.publish(lost, aggregate_id=lost.session_id)
        await eventually(is_lost_dropped)
        await proxy.disconnect()
        await published.publish(after, aggregate_id=after.session_id)

        await wait_until_revoked(after)
        await wait_until_revoked(lost)
        await orders.drain(1)


async def test_set_up_waits_for_jetstream_to_start(killable_nats: Any) -> None:
    killable_nats.kill()
    killable_nats.start_without_jetstream()
    with capture_logs() as logs:
        async with (
            asyncio.timeout(TIMEOUT_SECONDS),
            bus.connect(killable_nats.url, "admin") as admin,
        ):
            declaring = asyncio.create_task(declare_when_available(admin))

            async def is_waiting_for_jetstream() -> bool:
                return any(entry.get("dependency") == "JetStream" for entry in logs)

            await eventually(is_waiting_for_jetstream)
            killable_nats.kill()
            await killable_nats.start_and_wait()
            await declaring
            assert (await admin.connection.js.stream_info("orders")).state.messages == 0


async def test_bus_with_paused_server_still_closes(
    killable_nats: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus, "FLUSH_TIMEOUT_SECONDS", 0.2)
    async with bus.connect(killable_nats.url, "orders") as connected:
        killable_nats.pause()

    assert connected.connection.client.is_closed


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has TCP_USER_TIMEOUT")
async def test_stalled_connection_is_replaced(
    proxy: TcpProxy, published: EventProbe, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus, "TCP_USER_TIMEOUT_SECONDS", 1.0)
    monkeypatch.setattr(bus, "PUBLISH_TIMEOUT_SECONDS", 2.0)
    async with (
        asyncio.timeout(TIMEOUT_SECONDS),
        bus.connect(proxy.url, "orders", namespace=namespace) as orders,
    ):
        proxy.stall()

        async def flood() -> None:
            for _ in range(40):  # more than the socket buffers hold
                await orders.connection.client.publish("unused.subject", b"x" * 500_000)

        flooding = asyncio.create_task(flood())

        async def is_stored() -> bool:
            event = new_revocation()
            try:
                await EventProbe(orders).publish(event, aggregate_id=event.session_id)
            except PublishError:
                return False
            return True

        await eventually(is_stored, timeout_seconds=14)  # before the client's pings would time out
        flooding.cancel()
    assert published
