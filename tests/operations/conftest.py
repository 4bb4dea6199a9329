"""A whole system that sends its spans to a receiver of the test's own, and logs in JSON."""

import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.system import System
from ticketing_local.commands.trace_viewer import Collector, server
from ticketing_local.testing.temporary_server import MEMORY

WINDOW = 4


@pytest.fixture(scope="session")
def collector() -> Iterator[tuple[Collector, int]]:
    """A receiver of OTLP over HTTP, and its port."""
    collected = Collector()
    with server(collected, port=0) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield collected, serving.server_address[1]
        serving.shutdown()


@pytest.fixture(scope="session")
def traces(collector: tuple[Collector, int]) -> Collector:
    """What has been received."""
    return collector[0]


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """Where the system keeps its data and its logs."""
    memory = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="ticketing-operations-", dir=memory) as made:
        yield Path(made)


@pytest.fixture(scope="session")
def system(folder: Path, collector: tuple[Collector, int]) -> Iterator[System]:
    """The whole system behind its gateway, one replica of each service."""
    settings = {
        "ORDER_EXPIRATION_SECONDS": str(WINDOW),
        "PAYMENT_MARGIN_SECONDS": "0",
        "NATS_SYNC_INTERVAL": "2m",
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "DEBUG",  # when most is said
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector[1]}",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
    }
    running = System(folder, settings, replicas=1)
    try:
        running.start()
        yield running
    finally:
        running.stop()
