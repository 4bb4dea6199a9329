"""The time of `make start` until ready, with empty and with existing stores."""

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from benchmarks.measure import Options, Row
from benchmarks.testbed import Testbed
from ticketing_local.errors import CliError
from ticketing_local.stack.paths import ROOT
from ticketing_local.stack.ports import PORTS, REPLICA_PORT_OFFSET
from ticketing_local.testing.free_ports import free_block

HOME = ROOT / ".local" / "bench-start"
STOP_TIMEOUT_SECONDS = 180


def start(_: Testbed, options: Options) -> list[Row]:
    """Measure `make start` until it prints that it is ready, then stop it."""
    shutil.rmtree(HOME, ignore_errors=True)
    first, *later = (_time_start(HOME) for _ in range(2 if options.quick else 4))
    shutil.rmtree(HOME, ignore_errors=True)
    later_seconds = ", ".join(f"{seconds:.1f}" for seconds in later)
    return [
        Row(
            "make start to ready (binaries and packages installed)",
            f"{first:.1f} s; again {later_seconds} s",
        )
    ]


def _time_start(home: Path) -> float:
    ports = free_block(PORTS, REPLICA_PORT_OFFSET, 1)
    env = {variable: str(ports[name]) for name, (variable, _) in PORTS.items()}
    started_at = time.monotonic()
    with subprocess.Popen(
        ["make", "start"],
        cwd=ROOT,
        env={**os.environ, **env, "TICKETING_HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as system:
        try:
            for line in system.stdout or ():
                if re.match("Ready after", line):
                    return time.monotonic() - started_at
            raise CliError("make start ended without being ready")
        finally:
            os.killpg(system.pid, signal.SIGINT)
            system.communicate(timeout=STOP_TIMEOUT_SECONDS)
