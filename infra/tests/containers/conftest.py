"""The system, built and up, for all of these tests."""

from collections.abc import Iterator

import pytest
from system import System


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    made = System()
    try:
        made.compose("up", "--build", "--detach", "--wait")
        yield made
    finally:
        made.compose("--profile", "observability", "down", "--volumes", "--timeout", "45")
