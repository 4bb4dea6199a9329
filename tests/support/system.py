"""The whole stack, as `make start` runs it, with every process under a test's control."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from common.testing.client import JWT_KEY
from ticketing_local.processes.managed_process import ManagedProcess
from ticketing_local.stack import mongo_set_up, nats_set_up, servers
from ticketing_local.stack.paths import Home
from ticketing_local.stack.plan import plan
from ticketing_local.stack.ports import PORTS, REPLICA_PORT_OFFSET
from ticketing_local.stack.program import Program
from ticketing_local.stack.stored_secrets import StoredSecrets
from ticketing_local.testing.free_ports import free_block

FAST_SETTINGS = {
    "JWT_KEY": JWT_KEY,
    "PASSWORD_MEMORY_KIB": "64",  # a cheap hash
    "PASSWORD_ITERATIONS": "1",
    "SIGN_UPS_PER_ADDRESS": "1000000",
    # All users share one address and a few test cards.
    "DECLINES_PER_CARD": "10000",
    "DECLINES_PER_ADDRESS": "10000",
    "ADDRESS_REQUESTS_PER_SECOND": "0",  # the load of a test or a benchmark has one address
    "ADDRESS_CONNECTIONS": "0",
    "ADDRESS_PAGES_PER_SECOND": "0",
    "LISTINGS_PER_DAY": "1000000",
    "SHOWS_PER_DAY": "1000000",
    "UPLOADS_PER_DAY": "1000000",
    "SIGN_INS_PER_ADDRESS": "1000000",
    "SIGN_INS_PER_ACCOUNT": "1000000",
    "SIGN_INS_PER_KNOWN_BROWSER": "1000000",
    "SIGN_INS_PER_ACCOUNT_AND_ADDRESS": "1000000",
    "LOG_LEVEL": "INFO",
}


class System:
    """A stack in its own folder, on free ports. `processes` has every program by its name."""

    def __init__(
        self, folder: Path, settings: Mapping[str, str], *, replicas: int = 2, webhooks: bool = True
    ) -> None:
        home = Home(folder)
        home.create_folders()
        self.logs = home.logs
        self.port = free_block(PORTS, REPLICA_PORT_OFFSET, replicas)
        self.environ = {
            **FAST_SETTINGS,
            "CLIENT": "off",
            "REPLICAS": str(replicas),
            **{variable: str(self.port[name]) for name, (variable, _) in PORTS.items()},
            **settings,
        }
        groups = plan(home, self.environ).groups
        self.address = f"http://127.0.0.1:{self.port['gateway']}"
        self.secrets = StoredSecrets(home.secrets)
        self.mongo = servers.mongo_url_as(mongo_set_up.ADMIN, self.port["mongod"], self.secrets)
        self.nats = servers.nats_url_as(nats_set_up.OPERATOR, self.port["nats"], self.secrets)
        self.stripe = f"http://127.0.0.1:{self.port['stripe']}"
        self.stripe_key = "sk_test_local"
        self._groups = {group: [p.name for p in programs] for group, programs in groups.items()}
        self.processes = {
            program.name: ManagedProcess(
                program if webhooks else _without_webhooks(program),
                self.logs / f"{program.name}.log",
            )
            for programs in groups.values()
            for program in programs
        }

    @property
    def services(self) -> list[str]:
        """The names of all replicas of all services, and of the worker."""
        return self._groups["services"]

    def replicas_of(self, service: str) -> list[str]:
        """Return the names of one service's replicas."""
        return [name for name in self.services if name.partition("-")[0] == service]

    def replica_address(self, service: str) -> str:
        """Return the address of the first replica of a service."""
        return f"http://127.0.0.1:{self.port[service]}"

    def start(self) -> None:
        """Start everything, group by group, and wait until it is ready."""
        for names in self._groups.values():
            for name in names:
                self.processes[name].start()
            self.wait_ready(names)

    def wait_ready(self, names: Iterable[str] | None = None) -> None:
        """Wait until these programs, by default all, are ready."""
        for name in self.processes if names is None else names:
            self.processes[name].wait_ready()

    def restart(self, names: Iterable[str], overrides: Mapping[str, str] | None = None) -> None:
        """Terminate these programs, start them with changed variables, and wait for them."""
        processes = [self.processes[name] for name in names]
        with ThreadPoolExecutor(len(processes)) as pool:
            list(pool.map(ManagedProcess.terminate, processes))
        for process in processes:
            process.start(overrides)
        self.wait_ready(process.name for process in processes)

    def stop(self) -> None:
        """Kill everything. The data stays."""
        for process in reversed(self.processes.values()):
            process.kill()


def _without_webhooks(program: Program) -> Program:
    """Return the program without Stripe's webhook option."""
    command = [str(part) for part in program.command]
    if "--hook" not in command:
        return program
    place = command.index("--hook")
    return replace(program, command=(*command[:place], *command[place + 2 :]))
