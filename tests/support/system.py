"""The whole system, started as `make start` starts it, every process in the hands of a test."""

import secrets
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from common.testing.client import JWT_KEY
from support.ports import free_block
from support.process import ManagedProcess
from ticketing_local.stack.paths import Home
from ticketing_local.stack.plan import plan
from ticketing_local.stack.ports import PORTS, REPLICA_PORT_OFFSET, SERVICES
from ticketing_local.stack.program import Program

FAST_SETTINGS = {
    "JWT_KEY": JWT_KEY,
    "PASSWORD_MEMORY_KIB": "64",  # what a hash costs is not what is tested here
    "PASSWORD_ITERATIONS": "1",
    "SIGN_UPS_PER_ADDRESS": "1000000",
    "SIGN_IN_FAILURES_PER_ADDRESS": "1000000",
    "LOG_LEVEL": "INFO",
}
STORES = ("mongod", "nats", "redis", "stripe")


class System:
    """Every program of the system, by its name."""

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, str],
        *,
        replicas: int = 2,
        webhooks: bool = True,
    ) -> None:
        home = Home(folder)
        for path in (home.data, home.logs, home.run):
            path.mkdir(parents=True, exist_ok=True)
        self.port = free_block(PORTS, REPLICA_PORT_OFFSET, replicas)
        ports = {variable: str(self.port[name]) for name, (variable, _) in PORTS.items()}
        self.environ = {
            **FAST_SETTINGS,
            "CLIENT": "off",
            "REPLICAS": str(replicas),
            **ports,
            **settings,
        }
        program_plan = plan(home, self.environ)
        self.address = f"http://127.0.0.1:{self.port['gateway']}"
        self.stripe_key = "sk_test_local"
        self._groups = {
            group: [p.name for p in programs if p.name != "client"]
            for group, programs in program_plan.groups.items()
        }
        self.processes = {
            program.name: ManagedProcess(
                _without_webhooks_if_disabled(program, webhooks), home.logs / f"{program.name}.log"
            )
            for program in program_plan.programs
            if program.name != "client"
        }

    @property
    def services(self) -> list[str]:
        """Every replica of every service, the worker too."""
        return self._groups["services"]

    def replicas_of(self, service: str) -> list[str]:
        """The names of one service's replicas."""
        return [name for name in self.services if name.partition("-")[0] == service]

    @property
    def mongo(self) -> str:
        """The address of MongoDB; each service's database has the service's name."""
        return f"mongodb://127.0.0.1:{self.port['mongod']}/?replicaSet=rs0"

    @property
    def nats(self) -> str:
        """The address of NATS."""
        return f"nats://127.0.0.1:{self.port['nats']}"

    @property
    def stripe(self) -> str:
        """The address of the local Stripe server."""
        return f"http://127.0.0.1:{self.port['stripe']}"

    def start(self) -> None:
        """Start everything, group by group, until all is ready."""
        for names in self._groups.values():
            for name in names:
                self.processes[name].start()
            self.wait_ready(names)

    def wait_ready(self, names: Iterable[str] | None = None) -> None:
        """Wait until these, or all, answer."""
        for name in self.processes if names is None else names:
            self.processes[name].wait_ready()

    def restart(self, names: Iterable[str], overrides: Mapping[str, str] | None = None) -> None:
        """Stop some gently, start them with some of their environment changed, wait for them."""
        processes = [self.processes[name] for name in names]
        with ThreadPoolExecutor(len(processes)) as pool:
            list(pool.map(ManagedProcess.terminate, processes))
        for process in processes:
            process.start(overrides)
        self.wait_ready(process.name for process in processes)

    def stop(self) -> None:
        """Kill everything; what it stored is the test's to look at or to drop."""
        for process in reversed(self.processes.values()):
            process.kill()


def _without_webhooks_if_disabled(program: Program, webhooks: bool) -> Program:  # noqa: FBT001 - whether Stripe calls us
    """Leave the webhook out of Stripe's command where there are to be none."""
    command = [str(part) for part in program.command]
    if program.name != "stripe" or webhooks or "--hook" not in command:
        return program
    place = command.index("--hook")
    return replace(program, command=(*command[:place], *command[place + 2 :]))


def new_email(name: str = "somebody") -> str:
    """Make up an email address."""
    return f"{name}-{secrets.token_hex(6)}@example.com"


__all__ = ["SERVICES", "STORES", "System", "new_email"]
