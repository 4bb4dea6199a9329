"""One program as a child process that can be killed, paused and restarted."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Self

import psutil

from ticketing_local.errors import CliError
from ticketing_local.processes import log_tail, reaper
from ticketing_local.processes.listeners import is_listening
from ticketing_local.stack import environment
from ticketing_local.stack.program import Program

READY_TIMEOUT_SECONDS = 90.0


class ManagedProcess:
    """A program, and the child process that currently runs it, if any.

    The child runs under `reaper`, which kills it when this process ends for any reason. Its output
    is appended to `log`, by default an anonymous file. `temp_dir` is removed when it has ended.
    """

    def __init__(
        self, program: Program, log: Path | None = None, temp_dir: Path | None = None
    ) -> None:
        self.program: Program = program
        self.log = log
        self._temp_dir = temp_dir
        self._output: IO[bytes] | None = None
        self._reaper: subprocess.Popen[bytes] | None = None
        self._process: psutil.Process | None = None
        self._owns_port = False

    def __enter__(self) -> Self:
        self.start()
        try:
            self.wait_ready()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.terminate()

    @property
    def name(self) -> str:
        """The program's name. A replica's name ends in its number."""
        return self.program.name

    @property
    def running(self) -> bool:
        """Whether the program was started and has not exited."""
        return self._reaper is not None and self._reaper.poll() is None

    def start(self, overrides: Mapping[str, str] | None = None) -> None:
        """Start the program, with some variables replaced, without waiting until it is ready."""
        self._reap()
        self._output = self.log.open("a+b") if self.log else tempfile.TemporaryFile("a+b")  # noqa: SIM115 - open as long as the program runs
        self._reaper = subprocess.Popen(
            [sys.executable, "-I", reaper.__file__, self._temp_dir or "", *self.program.argv],
            env={
                **environment.select(os.environ, *environment.BASE_VARIABLES, "PYTHONPATH"),
                **self.program.environment,
                **(overrides or {}),
            },
            stdin=subprocess.PIPE,
            stdout=self._output,
            stderr=self._output,
            start_new_session=True,  # Ctrl-C must not reach a program that is still needed
        )

    def wait_ready(self, timeout_seconds: float = READY_TIMEOUT_SECONDS) -> None:
        """Wait until the program is ready. Raise `CliError` if it exits or takes too long.

        Nothing is sent to its port while another process listens there, such as the same store of
        another stack.
        """
        deadline = time.monotonic() + timeout_seconds
        while not (self._is_listening() and self.program.become_ready()):
            if not self.running or time.monotonic() > deadline:
                output = log_tail.last_lines(self.output())
                raise CliError(f"{self.name} did not become ready. Last output:\n{output}")
            time.sleep(0.02)

    async def start_and_wait(self) -> None:
        """Start the program and wait until it is ready, without blocking the event loop."""
        self.start()
        await asyncio.to_thread(self.wait_ready)

    def wait(self, timeout_seconds: float) -> int:
        """Wait until the started program has exited, and return its status."""
        return self._reaper.wait(timeout_seconds) if self._reaper else 0

    def output(self) -> str:
        """Return what the log holds, until the process is killed or terminated."""
        if self._output is None:
            return ""
        self._output.seek(0)
        return self._output.read().decode(errors="replace")

    def kill(self) -> None:
        """Send SIGKILL and wait for the exit. Does nothing if the program does not run."""
        self.send_signal(signal.SIGKILL)
        self._reap()

    def terminate(self) -> None:
        """Send SIGTERM and wait for the exit. After the program's stop time, kill it."""
        self.send_signal(signal.SIGTERM)
        self._reap(self.program.stop_seconds)

    def pause(self) -> None:
        """Send SIGSTOP."""
        self.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Send SIGCONT."""
        self.send_signal(signal.SIGCONT)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, if the program runs."""
        process = self.find_process()
        if process is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def find_process(self) -> psutil.Process | None:
        """Return the program's own process: the only child of the reaper."""
        deadline = time.monotonic() + 10
        while self._reaper is not None and self.running and time.monotonic() < deadline:
            if self._process is not None and self._process.is_running():
                return self._process
            self._process = next(iter(psutil.Process(self._reaper.pid).children()), None)
            if self._process is None:
                time.sleep(0.005)
        return None

    def _is_listening(self) -> bool:
        if not self._owns_port and self.program.port is not None:
            process = self.find_process()
            self._owns_port = process is not None and is_listening(process.pid, self.program.port)
        return self._owns_port or self.program.port is None

    def _reap(self, timeout_seconds: float = 10) -> None:
        if self._reaper is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):  # closing the pipe kills it
                self._reaper.wait(timeout_seconds)
            if self._reaper.stdin:
                self._reaper.stdin.close()
            self._reaper.wait()
        if self._output is not None:
            self._output.close()
        self._reaper = self._process = self._output = None
        self._owns_port = False
