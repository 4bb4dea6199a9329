"""`make start`: start the stack group by group, watch it, and stop it in reverse order."""

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from types import FrameType

import click

from ticketing_local.commands.prepare import prepare_and_plan
from ticketing_local.commands.stop import terminate_orphans
from ticketing_local.errors import CliError
from ticketing_local.processes import log_tail, orphans
from ticketing_local.processes.instance_lock import AlreadyRunning, instance_lock
from ticketing_local.processes.listeners import is_listening
from ticketing_local.processes.supervisord import State, Supervisord
from ticketing_local.stack import ports, progress
from ticketing_local.stack.paths import Home
from ticketing_local.stack.plan import Plan
from ticketing_local.stack.program import Program
from ticketing_local.stack.run_record import RunRecord

READY_TIMEOUT_SECONDS = 90
FAILED_STATES = {"BACKOFF", "EXITED", "FATAL"}
STORES = "stores"
DATA_HINT = " If its data is damaged: `make restore` loads a backup, `make reset` deletes all data."
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Planner = Callable[[Home, Mapping[str, str], Callable[[float], None]], Plan]
"""Returns the plan, and sleeps only by the function that it gets, which a signal interrupts."""


class StopRequested(Exception):
    """A signal asked the stack to stop."""


class StackRunner:
    """One run of the stack."""

    def __init__(
        self, home: Home, environ: Mapping[str, str], planner: Planner = prepare_and_plan
    ) -> None:
        self._home = home
        self._planner = planner
        self._environ = environ
        self._stop_requested = False
        self._interruptible = False
        self._listening: set[tuple[str, int]] = set()

    def run(self) -> None:
        """Start the stack, watch it until a signal arrives, and stop it."""
        try:
            with instance_lock(self._home) as write_record, ExitStack() as cleanup:
                for number in SIGNALS:
                    cleanup.callback(signal.signal, number, signal.signal(number, self._on_signal))
                self._run_locked(write_record)
        except AlreadyRunning as other:
            where = f"pid {other.pid}, {other.address or 'still starting'}"
            click.echo(f"Already running ({where}). Run `make stop` to stop it.")
        except StopRequested:
            click.echo("Stopped.")

    def _run_locked(self, write_record: Callable[[RunRecord], None]) -> None:
        terminate_orphans(self._home)
        self._home.create_folders()
        planned = self._planner(self._home, self._environ, self._sleep)
        ports.ensure_free(listener for p in planned.programs for listener in p.listeners)
        write_record(RunRecord.of(os.getpid(), planned.address, planned.environ))
        supervisord = Supervisord(self._home, planned, self._environ)
        try:
            self._start_groups(supervisord, planned)
            click.echo(f"\nReady after {progress.format_elapsed()}: {planned.address}")
            click.echo(f"Press Ctrl-C to stop. Logs: {self._home.logs}.")
            click.echo("In another terminal: make seed (sample tickets), make demo, make status")
            self._watch(supervisord)
        finally:
            self._shut_down(supervisord)

    def _on_signal(self, _signal: int, _frame: FrameType | None) -> None:
        self._stop_requested = True
        if self._interruptible:  # elsewhere, an exception could interrupt a half-done step
            raise StopRequested

    def _start_groups(self, supervisord: Supervisord, planned: Plan) -> None:
        while not self._states(supervisord):
            self._sleep(0.02)
        for group, programs in planned.groups.items():
            supervisord.start(group)
            hint = DATA_HINT if group == STORES else ""
            self._wait_ready(supervisord, programs, hint)

    def _wait_ready(self, supervisord: Supervisord, programs: Sequence[Program], hint: str) -> None:
        click.echo(f"Waiting for {_names(programs)}")
        started_at = last_progress = time.monotonic()
        waiting = list(programs)
        while waiting:
            states = self._states(supervisord)
            for program in list(waiting):
                if program.name in states and states[program.name].name in FAILED_STATES:
                    raise CliError(self._failure_message(program, "failed to start", hint))
                if self._is_listening(program, states) and program.become_ready():
                    waiting.remove(program)
                    click.echo(f"  {program.name} is ready ({time.monotonic() - started_at:.1f} s)")
                    last_progress = time.monotonic()
            now = time.monotonic()
            if waiting and now > started_at + READY_TIMEOUT_SECONDS:
                problem = f"is not ready after {READY_TIMEOUT_SECONDS} s"
                raise CliError(self._failure_message(waiting[0], problem, hint))
            if waiting and now > last_progress + progress.INTERVAL_SECONDS:
                elapsed = progress.format_elapsed()
                click.echo(f"  still waiting for {_names(waiting)} ({elapsed})")
                last_progress = now
            self._sleep(0.05)

    def _is_listening(self, program: Program, states: Mapping[str, State]) -> bool:
        """Return whether the program itself, and no other system's, listens on its port."""
        pid = states[program.name].pid if program.name in states else 0
        if (program.name, pid) not in self._listening and pid and program.port is not None:
            if not is_listening(pid, program.port):
                return False
            self._listening.add((program.name, pid))
        return True

    def _failure_message(self, program: Program, problem: str, hint: str) -> str:
        log = self._home.logs / f"{program.name}.log"
        return f"{program.name} {problem}.{hint}\nLast lines of {log}:\n{log_tail.tail(log)}"

    def _watch(self, supervisord: Supervisord) -> None:
        """Report each program that exits or is restarted, until asked to stop."""
        previous = self._states(supervisord)
        while True:
            self._sleep(1)
            states = self._states(supervisord)
            for name, state in states.items():
                change = _describe_change(previous[name], state) if name in previous else ""
                if change:
                    click.echo(f"{name} {change}. Log: {self._home.logs}/{name}.log")
            previous = states or previous

    def _states(self, supervisord: Supervisord) -> dict[str, State]:
        if supervisord.process.poll() is None:
            return supervisord.states()
        log = self._home.logs / "supervisord.log"
        raise CliError(
            f"supervisord exited; the stack is down. Last lines of {log}:\n{log_tail.tail(log)}"
        )

    def _sleep(self, seconds: float) -> None:
        """Sleep, or raise `StopRequested` as soon as a signal has arrived."""
        self._interruptible = True
        try:
            if self._stop_requested:
                raise StopRequested
            time.sleep(seconds)
        finally:
            self._interruptible = False

    def _shut_down(self, supervisord: Supervisord) -> None:
        click.echo("\nStopping: the gateway, then the services, then the stores ...")
        supervisord.stop()
        orphans.terminate(self._home)


def _names(programs: Sequence[Program]) -> str:
    return ", ".join(program.name for program in programs)


def _describe_change(before: State, now: State) -> str:
    if now.pid == before.pid:
        return ""
    if not before.pid:
        return "was restarted"
    return "was stopped" if now.name == "STOPPED" else "stopped and is being restarted"
