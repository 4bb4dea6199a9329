"""A fixed piece of work in small portions, which shows what a second of CPU is worth.

On a full machine the same work takes more CPU time, because processes evict each other's caches.
"""

import json
import select
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

WORK: Final = json.dumps([{"id": f"{n:024x}", "price": n} for n in range(500)])
PORTION: Final = 10
PAUSE_SECONDS: Final = 0.05
TIMEOUT_SECONDS: Final = 10


class Yardstick:
    """A process that repeats the work: a portion of about two milliseconds, then a pause."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def stop(self) -> float:
        """Return how often a second of CPU sufficed for the work since the start."""
        return float(self._process.communicate("", TIMEOUT_SECONDS)[0])


@contextmanager
def run_yardstick() -> Generator[Yardstick]:
    """Start a yardstick, and end it at the latest with the context."""
    with subprocess.Popen(
        (sys.executable, __file__), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Yardstick(process)
        finally:
            process.kill()


def main() -> None:
    """Work until the standard input ends."""
    count, started_at = 0, time.process_time()
    is_ended = False
    while not is_ended:
        for _ in range(PORTION):
            json.loads(WORK)
        count += PORTION
        is_ended = bool(select.select([sys.stdin], [], [], PAUSE_SECONDS)[0])
    print(count / (time.process_time() - started_at))


if __name__ == "__main__":
    main()
