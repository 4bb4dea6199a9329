"""A system that exports its spans to a receiver in the test process and logs JSON."""

import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from support import system_hooks
from support.system import System
from ticketing_local.commands.trace_viewer import TraceStore, create_app
from ticketing_local.testing.temporary_server import TMPFS

pytest_runtest_makereport = system_hooks.pytest_runtest_makereport
pytest_runtest_teardown = system_hooks.pytest_runtest_teardown
started = system_hooks.started

ORDER_EXPIRATION_SECONDS = 20
"""Long enough to pay on a busy machine, short enough to wait for the expiration."""


@pytest.fixture(scope="session")
def trace_receiver() -> Iterator[tuple[TraceStore, int]]:
    """Run a receiver of OTLP over HTTP and return it with its port."""
    store = TraceStore()
    server = uvicorn.Server(uvicorn.Config(create_app(store), log_config=None))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        yield store, listener.getsockname()[1]
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def traces(trace_receiver: tuple[TraceStore, int]) -> TraceStore:
    """Return the received traces."""
    return trace_receiver[0]


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """Create the folder of the system's data and logs."""
    tmpfs = TMPFS if TMPFS.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="ticketing-operations-", dir=tmpfs) as temp_dir:
        yield Path(temp_dir)


@pytest.fixture(scope="session")
def system(folder: Path, trace_receiver: tuple[TraceStore, int]) -> Iterator[System]:
    """Start the whole system behind its gateway, with one replica of each service."""
    settings = {
        "ORDER_EXPIRATION_SECONDS": str(ORDER_EXPIRATION_SECONDS),
        "PAYMENT_MARGIN_SECONDS": "0",
        "NATS_SYNC_INTERVAL": "2m",
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "DEBUG",  # the most verbose level
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{trace_receiver[1]}",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
    }
    running = System(folder, settings, replicas=1)
    try:
        running.start()
        yield running
    finally:
        running.stop()
