"""Servers for one test run: on free ports, on data that vanishes, gone when the run is."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ticketing_local.errors import CliError
from ticketing_local.processes import log_tail, reaper
from ticketing_local.stack.program import Program

TMPFS = Path("/dev/shm")  # noqa: S108  the scratch folder inside it is private to this run


def free_port() -> int:
    """Find a port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


class TemporaryServer:
    """One running server; `make` gives its program for a port and a data folder."""

    def __init__(self, make_program: Callable[[int, Path], Program]) -> None:
        tmpfs = TMPFS if os.access(TMPFS, os.W_OK) else None
        folder = Path(tempfile.mkdtemp(prefix="ticketing-test-", dir=tmpfs))
        self.port = free_port()
        try:
            self.program = make_program(self.port, folder / "data")
        except CliError:
            shutil.rmtree(folder)
            raise
        self._log = tempfile.TemporaryFile(mode="w+")  # noqa: SIM115  open as long as the server
        # A session of its own: Ctrl-C is for the tests, whose last acts still need the server.
        self._process = subprocess.Popen(
            [sys.executable, "-I", reaper.__file__, str(folder), *self.program.argv],
            env={**os.environ, **self.program.environment},
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )

    def wait(self, seconds: float = 60) -> int:
        """Wait until the server is ready, and give its port."""
        deadline = time.monotonic() + seconds
        while not self.program.is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._log.seek(0)
                output = log_tail.last_lines(self._log.read())
                self.stop()
                raise CliError(f"{self.program.name} did not become ready. It said:\n{output}")
            time.sleep(0.02)
        return self.port

    def stop(self) -> None:
        """Kill the server and drop its data."""
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait()
        self._log.close()
