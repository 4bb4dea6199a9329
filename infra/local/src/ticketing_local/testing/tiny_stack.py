"""A system of three small programs in place of the real ones, run as `make start` runs those."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

from ticketing_local.commands.start import StackRunner
from ticketing_local.errors import CliError
from ticketing_local.processes import orphans
from ticketing_local.stack import readiness, servers
from ticketing_local.stack.paths import Home
from ticketing_local.stack.plan import Plan
from ticketing_local.stack.program import Program
from ticketing_local.testing.temporary_server import free_port

SERVER_SCRIPT = """
import http.server, json, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(dict(os.environ)).encode())
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def plan(home: Home, environ: Mapping[str, str]) -> Plan:
    """A real store, two services that answer their environment."""
    redis = servers.redis(int(environ["TINY_REDIS"]), home.data / "redis")
    services = [
        _service("one", int(environ["TINY_ONE"]), {"ODD": environ["TINY_ODD"]}),
        _service("two", int(environ["TINY_TWO"]), {}, environ.get("TINY_BROKEN", SERVER_SCRIPT)),
    ]
    return Plan({"stores": [redis], "services": services}, f"http://127.0.0.1:{services[0].port}")


def _service(
    name: str, port: int, environment: dict[str, str], code: str = SERVER_SCRIPT
) -> Program:
    command = (sys.executable, "-c", code, str(port))
    return Program(name, command, port, readiness.http_ok(f"http://127.0.0.1:{port}/"), environment)


class TinyStack:
    """The folder it works in, its ports, and whoever was started there."""

    AWKWARD_VALUE = """it's "odd": $HOME `id` 100% ; # \\ \n second line"""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder)
        self.port = {name: free_port() for name in ("redis", "one", "two")}
        self._launched: list[subprocess.Popen[str]] = []
        self._environment = {
            **os.environ,
            "TICKETING_HOME": str(folder),
            "TINY_ODD": self.AWKWARD_VALUE,
            **{f"TINY_{name.upper()}": str(port) for name, port in self.port.items()},
        }

    def start(self, **environment: str) -> subprocess.Popen[str]:
        """Start without waiting."""
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "ticketing_local.testing.tiny_stack"],
            env={**self._environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._launched.append(process)
        return process

    def start_and_wait(self) -> subprocess.Popen[str]:
        """Start and wait until it says that all is ready."""
        process = self.start()
        self.wait_for(process, "Ready after")
        return process

    def wait_for(self, process: subprocess.Popen[str], text: str) -> str:
        """Read what it says up to the line with these words."""
        assert process.stdout
        output = ""
        for line in process.stdout:
            output += line
            if text in line:
                return output
        raise AssertionError(f"it ended without saying {text!r}:\n{output}")

    def run_command(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run `make stop` or `make reset`."""
        return subprocess.run(
            [sys.executable, "-m", "ticketing_local", name],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def processes(self, group: str | None = None) -> list[psutil.Process]:
        """Every living process of this system, or those of one group."""
        return orphans.find(self.home, group)

    def is_answering(self, name: str) -> bool:
        """Tell whether a service is there."""
        return readiness.http_ok(f"http://127.0.0.1:{self.port[name]}/")()

    def clean_up(self) -> None:
        """Leave nothing, whatever the test did."""
        for process in self._launched:
            process.terminate()
            process.wait(30)
            if process.stdout:
                process.stdout.close()
        for survivor in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                survivor.kill()


def eventually(condition: Callable[[], bool], seconds: float = 15) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(StackRunner(Home.from_environment(), os.environ, plan).run())
    except CliError as error:
        sys.exit(str(error))
