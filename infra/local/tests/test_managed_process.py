import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from common.testing.polling import TIMEOUT_SECONDS
from ticketing_local.errors import CliError
from ticketing_local.processes.managed_process import ManagedProcess
from ticketing_local.stack.program import Program
from ticketing_local.testing.polling import wait_until

SLEEPER = "print('started', flush=True); import time; time.sleep(600)"


def make_process(code: str, tmp_path: Path, *, is_ready: bool = True) -> ManagedProcess:
    program = Program("sleeper", (sys.executable, "-c", code), None, lambda: is_ready)
    return ManagedProcess(program, tmp_path / "sleeper.log")


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[ManagedProcess]:
    process = make_process(SLEEPER, tmp_path)
    process.start()
    yield process
    process.kill()


def test_pause_stops_and_resume_continues_the_program(sleeper: ManagedProcess) -> None:
    process = sleeper.find_process()
    assert process
    sleeper.pause()
    wait_until(lambda: process.status() == psutil.STATUS_STOPPED)
    sleeper.resume()
    wait_until(lambda: process.status() != psutil.STATUS_STOPPED)


def test_killed_program_can_be_started_again(sleeper: ManagedProcess) -> None:
    first = sleeper.find_process()
    assert first
    wait_until(lambda: "started" in sleeper.output())
    sleeper.kill()
    assert not first.is_running()
    assert not sleeper.running
    sleeper.start()
    wait_until(lambda: sleeper.output().count("started") == 2)


def test_wait_returns_the_exit_status(tmp_path: Path) -> None:
    process = make_process("raise SystemExit(3)", tmp_path)
    process.start()
    assert process.wait(TIMEOUT_SECONDS) == 3
    process.kill()


def test_program_that_exits_early_is_reported_with_its_output(tmp_path: Path) -> None:
    process = make_process("raise SystemExit('the sky is falling')", tmp_path, is_ready=False)
    with pytest.raises(CliError, match=r"did not become ready\. Last output:\nthe sky is falling"):
        process.__enter__()
    assert not process.running


def test_other_process_on_the_port_is_not_taken_for_the_program(tmp_path: Path) -> None:
    touched: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as other:
        program = Program(
            "sleeper",
            (sys.executable, "-c", SLEEPER),
            other.getsockname()[1],
            is_ready=lambda: True,
            set_up=lambda: not touched.append("set up"),
        )
        process = ManagedProcess(program, tmp_path / "sleeper.log")
        process.start()
        with pytest.raises(CliError, match="did not become ready"):
            process.wait_ready(timeout_seconds=1)
        process.kill()

    assert touched == []


def test_terminate_kills_a_program_that_ignores_it(tmp_path: Path) -> None:
    code = f"import signal; signal.signal({signal.SIGTERM:d}, signal.SIG_IGN); {SLEEPER}"
    process = make_process(code, tmp_path)
    process.program = replace(process.program, stop_seconds=1)
    process.start()
    wait_until(lambda: "started" in process.output())
    found = process.find_process()
    process.terminate()
    assert found
    assert not found.is_running()
