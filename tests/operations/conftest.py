"""A whole system that sends its spans to a receiver of the test's own, and logs in JSON."""

import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.system import System
from ticketing_local.commands.trace_viewer import TraceStore, server
from ticketing_local.testing.temporary_server import TMPFS

ORDER_EXPIRATION_SECONDS = 4


@pytest.fixture(scope="session")
def trace_receiver() -> Iterator[tuple[TraceStore, int]]:
    """A receiver of OTLP over HTTP, and its port."""
    store = TraceStore()
    with server(store, port=0) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield store, httpd.server_address[1]
        httpd.shutdown()


@pytest.fixture(scope="session")
def traces(trace_receiver: tuple[TraceStore, int]) -> TraceStore:
    """What has been received."""
    return trace_receiver[0]


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """Where the system keeps its data and its logs."""
    tmpfs = TMPFS if TMPFS.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="ticketing-operations-", dir=tmpfs) as temp_dir:
        yield Path(temp_dir)


@pytest.fixture(scope="session")
def system(folder: Path, trace_receiver: tuple[TraceStore, int]) -> Iterator[System]:
    """The whole system behind its gateway, one replica of each service."""
    settings = {
        "ORDER_EXPIRATION_SECONDS": str(ORDER_EXPIRATION_SECONDS),
        "PAYMENT_MARGIN_SECONDS": "0",
        "NATS_SYNC_INTERVAL": "2m",
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "DEBUG",  # when most is said
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{trace_receiver[1]}",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
    }
    running = System(folder, settings, replicas=1)
    try:
        running.start()
        yield running
    finally:
        running.stop()
