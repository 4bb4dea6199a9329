"""The record of the running stack, in its lock file, from which other commands learn its ports."""

import fcntl
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Self

from ticketing_local.errors import CliError
from ticketing_local.stack import ports
from ticketing_local.stack.paths import Home

READ_ATTEMPTS = 20
READ_INTERVAL_SECONDS = 0.05


@dataclass(frozen=True)
class RunRecord:
    """A run of `make start`."""

    pid: int
    address: str = ""
    """Where its gateway listens. Empty while it prepares."""
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    """The environment variables that determine which programs run, and on which ports."""

    @classmethod
    def of(cls, pid: int, address: str, environ: Mapping[str, str]) -> Self:
        """Return the record of a run with these settings. It contains no secret."""
        names = [variable for variable, _ in ports.PORTS.values()] + ["REPLICAS", "CLIENT"]
        variables = {name: environ.get(name, "") for name in names}
        variables["STRIPE_KEY"] = "set" if environ.get("STRIPE_KEY") else ""
        return cls(pid, address, variables)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Parse a record. Raise `ValueError` if it is incomplete."""
        return cls(**json.loads(text))

    def to_json(self) -> str:
        """Return the record as JSON."""
        return json.dumps(asdict(self))


def find_running(home: Home) -> RunRecord | None:
    """Return the record of the process that holds the lock of this data folder, if any."""
    try:
        with home.lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        return read_owner(home)
    return None


def read_owner(home: Home) -> RunRecord:
    """Return the record of the process that holds the lock. Wait until it is written."""
    for _ in range(READ_ATTEMPTS):
        try:
            return RunRecord.from_json(home.lock.read_text())
        except ValueError:
            time.sleep(READ_INTERVAL_SECONDS)
    raise OSError(f"{home.lock} is locked by an unknown process")


def require_running(home: Home) -> RunRecord:
    """Return the record of the running stack, or raise `CliError`."""
    running = find_running(home)
    if running is None or not running.address:
        raise CliError("The stack is not running. Run `make start`.")
    return running


def environ_of_run(home: Home, environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return the environment with the ports of the running stack, if one runs."""
    running = find_running(home)
    return {**environ, **running.variables} if running else environ
