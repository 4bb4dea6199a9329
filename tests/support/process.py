"""One program of the system as a process that a test may kill, pause, stop and start again."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

from ticketing_local.errors import CliError
from ticketing_local.processes import log_tail, reaper
from ticketing_local.stack import environment
from ticketing_local.stack.program import Program

READY_TIMEOUT_SECONDS = 90.0


class ManagedProcess:
    """A program, and the process that runs it at the moment, if one does."""

    def __init__(self, program: Program, log: Path) -> None:
        self.program = program
        self.log = log
        self.starts = 0
        self._reaper: subprocess.Popen[bytes] | None = None
        self._process: psutil.Process | None = None

    @property
    def name(self) -> str:
        """The program's name; a replica's ends in its number."""
        return self.program.name

    @property
    def running(self) -> bool:
        """Whether it has been started and has not ended."""
        return self._reaper is not None and self._reaper.poll() is None

    def start(self, overrides: Mapping[str, str] | None = None) -> None:
        """Start it, with some of its environment changed, and do not wait until it is ready.

        It lives no longer than we do, however we end: the guard sees to that.
        """
        self.starts += 1
        env = {
            **environment.select(os.environ, *environment.BASE_VARIABLES, "PYTHONPATH"),
            **self.program.environment,
            **(overrides or {}),
        }
        with self.log.open("ab") as log:
            self._reaper = subprocess.Popen(
                [sys.executable, "-I", reaper.__file__, os.devnull, *self.program.argv],
                env=env,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._process = None

    def wait_ready(self, timeout: float = READY_TIMEOUT_SECONDS) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + timeout
        while not self.program.is_ready():
            if time.monotonic() > deadline or (self._reaper and self._reaper.poll() is not None):
                raise CliError(f"{self.name} is not ready. It said:\n{log_tail.tail(self.log)}")
            time.sleep(0.05)

    def kill(self) -> None:
        """End it with SIGKILL, at once."""
        process = self._find_process()
        if process is not None:
            process.kill()
        self._reap()

    def terminate(self) -> None:
        """Ask it to end, as a rollout does, and wait until it has."""
        process = self._find_process()
        if process is not None:
            process.terminate()
        self._reap(self.program.stop_seconds)

    def pause(self) -> None:
        """Let it stand still (SIGSTOP)."""
        process = self._find_process()
        if process is not None:
            process.suspend()

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        process = self._find_process()
        if process is not None:
            process.resume()

    def _find_process(self) -> psutil.Process | None:
        """Give the program's own process: the guard's only child."""
        deadline = time.monotonic() + 10
        while self._reaper is not None and self._reaper.poll() is None:
            if self._process is not None and self._process.is_running():
                return self._process
            children = psutil.Process(self._reaper.pid).children()
            if children:
                self._process = children[0]
            elif time.monotonic() > deadline:
                break
            else:
                time.sleep(0.005)
        return None

    def _reap(self, timeout: float = 10) -> None:
        if self._reaper is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):  # the guard kills it below
            self._reaper.wait(timeout)
        if self._reaper.stdin:
            self._reaper.stdin.close()
        self._reaper.wait()
        self._reaper = self._process = None
