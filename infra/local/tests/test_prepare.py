"""The downloads and the build before the first start."""

import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from ticketing_local.commands import prepare
from ticketing_local.errors import CliError
from ticketing_local.stack import preparation, progress
from ticketing_local.testing.polling import wait_until

STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if len(sys.argv) > 1:
    subprocess.Popen([sys.executable, "-c", sys.argv[1]])
print("started", flush=True)
time.sleep(600)
"""


def has_ended(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_end_group_ends_programs_that_ignore_signals() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", STUBBORN, STUBBORN],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout
    for _ in range(2):
        assert process.stdout.readline() == b"started\n"
    processes = [psutil.Process(process.pid), *psutil.Process(process.pid).children()]

    prepare._end_group(process)

    assert process.returncode == -signal.SIGKILL
    wait_until(lambda: all(map(has_ended, processes)))
    process.stdout.close()


def test_progress_names_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "INTERVAL_SECONDS", 0.05)
    monkeypatch.setenv(progress.STARTED_AT_VARIABLE, str(int(time.time()) - 65))
    finish = threading.Event()
    with ThreadPoolExecutor() as pool:
        waiting = threading.Timer(1, finish.set)
        waiting.start()
        preparation._await({pool.submit(finish.wait): "caddy", pool.submit(int): "the web client"})
        waiting.join()

    first, second, *_, last = capsys.readouterr().out.splitlines()
    assert first.startswith("  the web client is ready (1 min ")
    assert second.startswith("  still preparing caddy (1 min ")
    assert last.startswith("  caddy is ready (1 min ")


def test_first_failure_ends_the_wait() -> None:
    def fail() -> None:
        raise CliError("no network")

    never = threading.Event()
    pool = ThreadPoolExecutor()
    with pytest.raises(CliError, match="no network"):
        preparation._await({pool.submit(never.wait): "caddy", pool.submit(fail): "nats-server"})
    never.set()
    pool.shutdown()
