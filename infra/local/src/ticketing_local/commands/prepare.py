"""The first part of `make start`: check the settings, choose ports, download and build.

Downloads and builds run in a process group of their own, so that a signal can end all of it at
once, whatever npm and the programs below it do with signals.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import NoReturn

import click

from ticketing_local.errors import CliError
from ticketing_local.processes.supervisord import GROUP_VARIABLE, HOME_VARIABLE
from ticketing_local.stack import client, plan, ports, preparation, settings_check
from ticketing_local.stack.paths import Home
from ticketing_local.stack.plan import Plan

GATEWAY = "gateway"
POLL_INTERVAL_SECONDS = 0.1
STOP_TIMEOUT_SECONDS = 1


def prepare_and_plan(
    home: Home, environ: Mapping[str, str], sleep: Callable[[float], None]
) -> Plan:
    """Return the plan of a run, after everything is known to be right, downloaded and built."""
    replicas = ports.read_int(environ, "REPLICAS", 1, maximum=plan.MAX_REPLICAS)
    chosen = ports.choose_free_ports(environ, replicas, required=[GATEWAY])
    moved = ports.describe_moved(environ, chosen)
    environ = {**environ, **chosen}
    settings_check.check_settings(environ, plan.service_environments(home, environ))
    if moved:
        click.echo(f"Other programs use the default ports, so these are different: {moved}")
    if client.enabled(environ):
        client.check_path()
    if not preparation.is_complete(environ):
        _prepare_in_own_group(home, environ, sleep)
    return plan.plan(home, environ)


def prepare(environ: Mapping[str, str]) -> NoReturn:
    """Download and build what is missing, as the leader of a process group."""
    status = 1
    try:
        preparation.prepare(environ)
        status = 0
    except CliError as error:
        error.show()
    except KeyboardInterrupt:
        pass
    if status:
        # The threads clean up when their programs have ended. A program may not end in time.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.killpg(0, signal.SIGTERM)
        signal.alarm(STOP_TIMEOUT_SECONDS)
    sys.exit(status)


def _prepare_in_own_group(
    home: Home, environ: Mapping[str, str], sleep: Callable[[float], None]
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "ticketing_local", "prepare"],
        env={**environ, HOME_VARIABLE: str(home.folder), GROUP_VARIABLE: "supervisor"},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while process.poll() is None:
            sleep(POLL_INTERVAL_SECONDS)
    finally:
        _end_group(process)
    if process.returncode:
        raise click.exceptions.Exit(1)  # it has printed the reason


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End the process and everything that it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_TIMEOUT_SECONDS)
