"""Free ports for a whole system: its replicas listen a fixed distance above one another."""

import random
import socket
from collections.abc import Iterable

LOWEST, HIGHEST = 11_000, 32_000  # below the ports that systems give to outgoing connections


def free_block(names: Iterable[str], offset: int, replicas: int) -> dict[str, int]:
    """Give each name a port, such that those `step` above are free too."""
    required = list(names)
    while True:
        first = random.randrange(LOWEST, HIGHEST)
        block = {name: first + place for place, name in enumerate(required)}
        if all(_free(port + offset * n) for port in block.values() for n in range(replicas)):
            return block


def _free(port: int) -> bool:
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False
