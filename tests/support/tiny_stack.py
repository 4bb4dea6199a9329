"""A stack of three small programs, run by the real `make start`."""

import contextlib
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import click
import psutil

from common.testing.polling import TIMEOUT_SECONDS
from ticketing_local.commands.start import StackRunner
from ticketing_local.processes import orphans
from ticketing_local.processes.managed_process import ManagedProcess
from ticketing_local.stack import readiness, servers
from ticketing_local.stack.paths import Home
from ticketing_local.stack.plan import Plan
from ticketing_local.stack.program import Program
from ticketing_local.stack.stored_secrets import StoredSecrets
from ticketing_local.testing.free_ports import free_port
from ticketing_local.testing.polling import wait_until

SERVER_SCRIPT = """
import http.server, json, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(dict(os.environ)).encode())
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def plan(home: Home, environ: Mapping[str, str], _sleep: Callable[[float], None]) -> Plan:
    """Return a plan of a Redis and two services that respond with their environment."""
    secrets = StoredSecrets(home.secrets)
    redis = servers.redis(int(environ["TINY_REDIS"]), home.data / "redis", secrets)
    services = [
        _service("one", int(environ["TINY_ONE"]), {"ODD": environ["TINY_ODD"]}),
        _service("two", int(environ["TINY_TWO"]), {}, environ.get("TINY_BROKEN", SERVER_SCRIPT)),
    ]
    groups = {"stores": [redis], "services": services}
    return Plan(groups, f"http://127.0.0.1:{services[0].port}", environ)


def _service(
    name: str, port: int, environment: dict[str, str], code: str = SERVER_SCRIPT
) -> Program:
    command = (sys.executable, "-c", code, str(port))
    return Program(name, command, port, readiness.http_ok(f"http://127.0.0.1:{port}/"), environment)


class TinyStack:
    """A data folder, its ports, and the runs that a test starts there."""

    AWKWARD_VALUE = """it's "odd": $HOME `id` 100% ; # \\ \n second line"""

    REDIS_PORT = "6480"
    """A setting that only the record of the run shows."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder)
        self.port = {name: free_port() for name in ("redis", "one", "two")}
        self._runs: list[ManagedProcess] = []
        self._environment = {
            **os.environ,
            "TICKETING_HOME": str(folder),
            "TINY_ODD": self.AWKWARD_VALUE,
            "REDIS_PORT": self.REDIS_PORT,
            "STRIPE_KEY": "",
            **{f"TINY_{name.upper()}": str(port) for name, port in self.port.items()},
        }

    def start(self, **environment: str) -> ManagedProcess:
        """Start the stack without waiting."""
        return self._run(__file__, **environment)

    def start_and_wait(self) -> ManagedProcess:
        """Start the stack and wait until it reports that it is ready."""
        run = self.start()
        self.wait_for(run, "Ready after")
        return run

    def wait_for(self, run: ManagedProcess, text: str) -> str:
        """Wait until the output contains the text, and return the output."""

        def contains_text() -> bool:
            assert run.running or text in run.output(), run.output()
            return text in run.output()

        wait_until(contains_text)
        return run.output()

    def run_command(self, name: str) -> tuple[int, str]:
        """Run `ticketing NAME`, and return its status and its output."""
        run = self._run("-m", "ticketing_local", name)
        return run.wait(TIMEOUT_SECONDS), run.output()

    def _run(self, *arguments: str, **environment: str) -> ManagedProcess:
        program = Program(
            "tiny stack",
            (sys.executable, "-u", *arguments),
            port=None,
            is_ready=lambda: True,
            environment={**self._environment, **environment},
            stop_seconds=30,
        )
        self._runs.append(ManagedProcess(program))
        self._runs[-1].start()
        return self._runs[-1]

    def processes(self, group: str | None = None) -> list[psutil.Process]:
        """Return the running processes of this stack, or those of one group."""
        return orphans.find(self.home, group)

    def is_responding(self, name: str) -> bool:
        """Return whether a service responds."""
        return readiness.http_ok(f"http://127.0.0.1:{self.port[name]}/")()

    def clean_up(self) -> None:
        """Stop everything that a test may have left running."""
        for run in self._runs:
            run.terminate()
        for survivor in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                survivor.kill()


@click.command()
def main() -> None:
    """Run the tiny stack."""
    StackRunner(Home.from_environment(), os.environ, plan).run()


if __name__ == "__main__":
    main()
