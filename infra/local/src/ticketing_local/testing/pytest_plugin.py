"""The pytest plugin: real servers, started once per run, only those that a chosen test asks for."""

from pathlib import Path

import pytest
from hypothesis import settings

from ticketing_local.stack import servers
from ticketing_local.stack.program import Program
from ticketing_local.testing.temporary_server import TemporaryServer

REDIS_DATABASES = 1024  # each test may take one to itself

# A busy machine is slow, which is no fault of what is tested.
settings.register_profile("any machine", settings.default, deadline=None)
settings.load_profile("any machine")


def _mongod(port: int, data: Path) -> Program:
    return servers.mongod(port, data, cache_gigabytes=0.25)


def _nats(port: int, data: Path) -> Program:
    return servers.nats(port, data, servers.SYNC_EVERY_2_MINUTES)  # no power fails in a test


def _redis(port: int, data: Path) -> Program:
    return servers.redis(port, data, databases=REDIS_DATABASES)


SERVER_FACTORIES = {
    "mongo_url": _mongod,
    "nats_url": _nats,
    "redis_url": _redis,
    "stripe_url": servers.stripe,
}
RUNNING_SERVERS = pytest.StashKey[dict[str, TemporaryServer]]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin with no server."""
    config.stash[RUNNING_SERVERS] = {}


def pytest_runtestloop(session: pytest.Session) -> None:
    """Start at once, side by side, every server that some chosen test will ask for."""
    if session.config.option.collectonly:
        return
    requested = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    for name in SERVER_FACTORIES:
        if name in requested:
            _ensure_started(session.config, name)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop them all, also after Ctrl-C."""
    for server in config.stash[RUNNING_SERVERS].values():
        server.stop()


def _ensure_started(config: pytest.Config, name: str) -> TemporaryServer:
    running = config.stash[RUNNING_SERVERS]
    if name not in running:
        running[name] = TemporaryServer(SERVER_FACTORIES[name])
    return running[name]


@pytest.fixture(scope="session")
def mongo_url(pytestconfig: pytest.Config) -> str:
    """Give the address of a one-node replica set."""
    return servers.mongo_url(_ensure_started(pytestconfig, "mongo_url").wait())


@pytest.fixture(scope="session")
def nats_url(pytestconfig: pytest.Config) -> str:
    """Give the address of a NATS server with JetStream."""
    return f"nats://127.0.0.1:{_ensure_started(pytestconfig, 'nats_url').wait()}"


@pytest.fixture(scope="session")
def redis_url(pytestconfig: pytest.Config) -> str:
    """Give the address of a Redis with 1024 databases (append `/N`)."""
    return f"redis://127.0.0.1:{_ensure_started(pytestconfig, 'redis_url').wait()}"


@pytest.fixture(scope="session")
def stripe_url(pytestconfig: pytest.Config) -> str:
    """Give the base address of the local Stripe server."""
    return f"http://127.0.0.1:{_ensure_started(pytestconfig, 'stripe_url').wait()}"
