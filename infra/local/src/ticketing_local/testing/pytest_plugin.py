"""The pytest plugin: real servers, started once per run if a selected test needs them."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from httpx._config import DEFAULT_TIMEOUT_CONFIG
from hypothesis import HealthCheck, settings
from xdist.scheduler.loadfile import LoadFileScheduling

from common.testing.polling import TIMEOUT_SECONDS
from ticketing_local.stack import mongo_set_up, servers
from ticketing_local.stack.program import Program
from ticketing_local.stack.stored_secrets import StoredSecrets
from ticketing_local.testing.temporary_server import TemporaryServer

# A slow machine must not fail a test. Hypothesis measures times; httpx waits for only 5 s. And an
# example that hypothesis finds by chance must not fail another change: only the nightly run, which
# sets MODEL_EXAMPLES, generates other examples each time.
settings.register_profile(
    "any machine",
    settings.default,
    deadline=None,
    derandomize="MODEL_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("any machine")
for phase in ("connect", "read", "write", "pool"):
    setattr(DEFAULT_TIMEOUT_CONFIG, phase, TIMEOUT_SECONDS)

SERVER_FACTORIES: dict[str, Callable[[int, Path, StoredSecrets], Program]] = {
    "mongo_url": lambda port, data, secrets: servers.mongod(
        port, data, secrets, cache_gigabytes=0.25
    ),
    "nats_url": lambda port, data, _: servers.nats(port, data, servers.SYNC_EVERY_2_MINUTES),
    "redis_url": lambda port, data, secrets: servers.redis(port, data, secrets, databases=1024),
    "stripe_url": lambda port, data, _: servers.stripe(port, data),
}
SHARED_SYSTEMS = ("tests/system", "tests/operations")
"""Folders whose tests share a running system, which is started once if one process runs them."""
WITHOUT_SYSTEM = (
    *("test_auditor.py", "test_backup.py", "test_chaos.py", "test_client_sources.py"),
    *("test_mutants.py", "test_prose.py", "test_secrets.py", "test_security_page.py"),
)
RUNNING_SERVERS = pytest.StashKey[dict[str, TemporaryServer]]()


def pytest_configure(config: pytest.Config) -> None:
    """Register an empty set of servers."""
    config.stash[RUNNING_SERVERS] = {}


class GroupScheduling(LoadFileScheduling):
    """Gives the tests of a file to one process, and those of a folder that share a system."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def group_of(nodeid: str) -> str:
    """Return the folder of a test that shares a running system, or else its file."""
    path = nodeid.partition("::")[0]
    folder, _, name = path.rpartition("/")
    return folder if folder in SHARED_SYSTEMS and name not in WITHOUT_SYSTEM else path


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling | None:
    """Return the scheduler for `--dist loadfile`."""
    return GroupScheduling(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_runtestloop(session: pytest.Session) -> None:
    """Start in parallel every server that a selected test needs."""
    if session.config.option.collectonly:
        return
    requested = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    for name in SERVER_FACTORIES:
        if name in requested:
            _ensure_started(session.config, name)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers, also after Ctrl-C."""
    for server in config.stash[RUNNING_SERVERS].values():
        server.kill()


def _ensure_started(config: pytest.Config, name: str) -> TemporaryServer:
    running = config.stash[RUNNING_SERVERS]
    if name not in running:
        running[name] = TemporaryServer(SERVER_FACTORIES[name])
        running[name].start()
    return running[name]


def _ready_server(config: pytest.Config, name: str) -> TemporaryServer:
    server = _ensure_started(config, name)
    server.wait_ready()
    return server


@pytest.fixture(scope="session")
def mongo_url(pytestconfig: pytest.Config) -> str:
    """The URL of a one-node replica set, with the password of its administrator."""
    server = _ready_server(pytestconfig, "mongo_url")
    return servers.mongo_url_as(mongo_set_up.ADMIN, server.port, server.secrets)


@pytest.fixture(scope="session")
def mongo_url_as(pytestconfig: pytest.Config) -> Callable[[str], str]:
    """A function that returns the URL of the same replica set for another of its users."""
    server = _ready_server(pytestconfig, "mongo_url")
    return lambda user: servers.mongo_url_as(user, server.port, server.secrets)


@pytest.fixture(scope="session")
def nats_url(pytestconfig: pytest.Config) -> str:
    """The URL of a NATS server with JetStream."""
    return servers.nats_url(_ready_server(pytestconfig, "nats_url").port)


@pytest.fixture(scope="session")
def redis_url(pytestconfig: pytest.Config) -> str:
    """The URL of a Redis with 1024 databases (append `/N`), so that each test can use its own."""
    server = _ready_server(pytestconfig, "redis_url")
    return servers.redis_url_with_password(server.port, server.secrets)


@pytest.fixture(scope="session")
def stripe_url(pytestconfig: pytest.Config) -> str:
    """The base URL of the local Stripe server."""
    return f"http://127.0.0.1:{_ready_server(pytestconfig, 'stripe_url').port}"
