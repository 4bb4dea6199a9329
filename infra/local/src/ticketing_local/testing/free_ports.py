"""Free ports for test servers."""

import random
import socket
from collections.abc import Iterable

LOWEST, HIGHEST = 11_000, 32_000  # below the ports that systems use for outgoing connections


def free_port() -> int:
    """Return a port that nothing listens on at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def free_block(names: Iterable[str], offset: int, replicas: int) -> dict[str, int]:
    """Return consecutive ports by name. The ports of the replicas above them are free too."""
    required = list(names)
    while True:
        first = random.randrange(LOWEST, HIGHEST)  # noqa: S311 - not a secret
        block = {name: first + place for place, name in enumerate(required)}
        if all(_is_free(port + offset * n) for port in block.values() for n in range(replicas)):
            return block


def _is_free(port: int) -> bool:
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False
