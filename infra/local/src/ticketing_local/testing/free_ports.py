"""Free ports for test servers."""

import random
import socket
from collections.abc import Iterable

LOWEST, HIGHEST = 11_000, 32_000  # below the ports that systems use for outgoing connections
RANDOM = random.SystemRandom()
"""Its numbers differ between two processes, even if the tests of both use the same seed."""


def free_port() -> int:
    """Return a port that nothing listens on at the moment."""
    while not _is_free(port := RANDOM.randrange(LOWEST, HIGHEST)):
        pass
    return port


def free_block(names: Iterable[str], offset: int, replicas: int) -> dict[str, int]:
    """Return consecutive ports by name. The ports of the replicas above them are free too."""
    required = list(names)
    while True:
        first = RANDOM.randrange(LOWEST, HIGHEST)
        block = {name: first + place for place, name in enumerate(required)}
        if all(_is_free(port + offset * n) for port in block.values() for n in range(replicas)):
            return block


def _is_free(port: int) -> bool:
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False
