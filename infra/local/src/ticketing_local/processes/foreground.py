"""One program for the length of a block, with nobody's supervision but ours."""

import os
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ticketing_local.errors import Trouble
from ticketing_local.processes import log_tail
from ticketing_local.stack import environment
from ticketing_local.stack.program import Program

PATIENCE: Final = 60.0


@contextmanager
def running(program: Program, log: Path) -> Generator[None]:
    """Start it, wait until it is ready, stop it gently at the end."""
    told = {**environment.passed(os.environ, *environment.ANY_PROGRAM), **program.environment}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(part) for part in program.argv],
            env=told,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not program.ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise Trouble(f"{program.name} does not start:\n{log_tail.tail(log)}")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        try:
            process.wait(program.stop_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
