"""Fixture for a running Compose system."""

from collections.abc import Iterator

import pytest
from system import ComposeSystem


@pytest.fixture(scope="session")
def system() -> Iterator[ComposeSystem]:
    compose_system = ComposeSystem()
    try:
        compose_system.compose("up", "--build", "--detach", "--wait")
        yield compose_system
    finally:
        compose_system.compose("--profile", "observability", "down", "--volumes", "--timeout", "45")
