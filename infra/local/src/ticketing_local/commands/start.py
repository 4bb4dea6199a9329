"""`make start`: brings the system up group by group, watches it, and takes it down in order."""

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from types import FrameType

from ticketing_local.errors import Trouble
from ticketing_local.processes import log_tail, orphans
from ticketing_local.processes.instance_lock import Held, held
from ticketing_local.processes.supervisord import State, Supervisord
from ticketing_local.stack import ports
from ticketing_local.stack.paths import Home
from ticketing_local.stack.plan import Plan, plan
from ticketing_local.stack.program import Program

PATIENCE = 90
SILENCE = 10  # seconds of waiting before it says again for whom
FAILED = {"BACKOFF", "EXITED", "FATAL"}
STORES = "stores"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


Planner = Callable[[Home, Mapping[str, str]], Plan]


class Stopped(Exception):
    """Someone asked us to stop while we were starting."""


class Start:
    """One run of the system."""

    def __init__(self, home: Home, caller: Mapping[str, str], planner: Planner = plan) -> None:
        self._home = home
        self._plan = planner
        self._caller = caller
        self._stop = False
        self._asleep = False

    def run(self) -> int:
        """Start, watch until asked to stop, stop; give the exit status."""
        address = f"http://localhost:{ports.chosen(self._caller)['gateway']}"
        try:
            with held(self._home, address):
                return self._run_alone()
        except Held as other:
            where = f"pid {other.holder.pid}, {other.holder.address}"
            tell(f"Already running ({where}). Nothing was changed; make stop ends it.")
            return 0

    def _run_alone(self) -> int:
        ended = orphans.end(self._home)
        if ended:
            tell(f"Ended {ended} processes that a killed run had left.")
        for folder in (self._home.data, self._home.logs, self._home.run):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        began = time.monotonic()
        planned = self._plan(self._home, self._caller)
        ports.refuse_taken((p.name, p.port) for p in planned.programs if p.port)
        with ExitStack() as at_end:
            for number in SIGNALS:
                at_end.callback(signal.signal, number, signal.signal(number, self._hear))
            supervisord = Supervisord(self._home, planned, self._caller)
            at_end.callback(self._end, supervisord)
            try:
                self._bring_up(supervisord, planned)
                tell(f"\nReady after {time.monotonic() - began:.1f} s: {planned.address}")
                tell(f"Ctrl-C stops it. Logs: {self._home.logs}. See it work: make demo")
                self._watch(supervisord)
            except Stopped:
                pass
        return 0

    def _hear(self, _signal: int, _frame: FrameType | None) -> None:
        self._stop = True
        if self._asleep:  # elsewhere something half done would be left: there it waits
            raise Stopped

    def _bring_up(self, supervisord: Supervisord, planned: Plan) -> None:
        while not self._states(supervisord):
            self._pause(0.02)
        for group, programs in planned.groups.items():
            supervisord.start(group)
            mend = "If its data is damaged, make reset clears all data." if group == STORES else ""
            self._wait(supervisord, programs, mend)

    def _wait(self, supervisord: Supervisord, programs: Sequence[Program], mend: str) -> None:
        tell(f"Waiting for {', '.join(program.name for program in programs)}")
        began = spoke = time.monotonic()
        waiting = list(programs)
        while waiting:
            states = self._states(supervisord)
            for program in list(waiting):
                if program.name in states and states[program.name].name in FAILED:
                    raise Trouble(self._why(program, "does not start", mend))
                if program.ready():
                    waiting.remove(program)
                    tell(f"  {program.name} is ready ({time.monotonic() - began:.1f} s)")
            now = time.monotonic()
            if waiting and now > began + PATIENCE:
                raise Trouble(self._why(waiting[0], f"is not ready after {PATIENCE} s", mend))
            if waiting and now > spoke + SILENCE:
                tell(f"  still waiting for {', '.join(program.name for program in waiting)}")
                spoke = now
            self._pause(0.05)

    def _why(self, program: Program, what: str, mend: str) -> str:
        log = self._home.logs / f"{program.name}.log"
        return f"{program.name} {what}. {mend}\nThe end of {log}:\n{log_tail.tail(log)}"

    def _watch(self, supervisord: Supervisord) -> None:
        """Tell of each program that falls and of each that is back, until asked to stop."""
        known = self._states(supervisord)
        while True:
            self._pause(1)
            states = self._states(supervisord)
            for name, state in states.items():
                change = _told(known[name], state) if name in known else ""
                if change:
                    tell(f"{name} {change}. Its log: {self._home.logs}/{name}.log")
            known = states or known

    def _states(self, supervisord: Supervisord) -> dict[str, State]:
        if supervisord.process.poll() is None:
            return supervisord.states()
        log = self._home.logs / "supervisord.log"
        raise Trouble(f"supervisord exited, the stack is down. {log} ends:\n{log_tail.tail(log)}")

    def _pause(self, seconds: float) -> None:
        """Sleep until the time is over or someone asks to stop."""
        self._asleep = True
        try:
            if self._stop:
                raise Stopped
            time.sleep(seconds)
        finally:
            self._asleep = False

    def _end(self, supervisord: Supervisord) -> None:
        tell("\nStopping: the gateway, then the services, then the stores ...")
        supervisord.end()
        orphans.end(self._home)
        tell("Stopped.")


def _told(before: State, now: State) -> str:
    if now.pid == before.pid:
        return ""
    if not before.pid:
        return "is started again"
    return "was stopped" if now.name == "STOPPED" else "has stopped and is being started again"


def tell(line: str) -> None:
    """Say it now: someone is waiting."""
    print(line, flush=True)
