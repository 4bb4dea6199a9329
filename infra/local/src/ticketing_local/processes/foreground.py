"""One program for the length of a block, with nobody's supervision but ours."""

import os
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ticketing_local.errors import CliError
from ticketing_local.processes import log_tail
from ticketing_local.stack import environment
from ticketing_local.stack.program import Program

READY_TIMEOUT_SECONDS: Final = 60.0


@contextmanager
def run_in_foreground(program: Program, log: Path) -> Generator[None]:
    """Start it, wait until it is ready, stop it gently at the end."""
    env = {**environment.select(os.environ, *environment.BASE_VARIABLES), **program.environment}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(part) for part in program.argv],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + READY_TIMEOUT_SECONDS
        while not program.is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise CliError(f"{program.name} does not start:\n{log_tail.tail(log)}")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        try:
            process.wait(program.stop_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
