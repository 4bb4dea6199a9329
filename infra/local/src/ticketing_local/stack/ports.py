"""The ports of the stack: unusual defaults, each with a variable that changes it."""

import errno
import socket
from collections.abc import Iterable, Mapping
from itertools import combinations

import psutil

from ticketing_local.errors import CliError

SERVICES = ("auth", "tickets", "orders", "expiration", "payments")
REPLICA_PORT_OFFSET = 100
"""The second replica of a service listens this far above the first."""

# Name -> (variable, default port).
PORTS = {
    "gateway": ("PORT", 8080),
    "mongod": ("MONGO_PORT", 27117),
    "nats": ("NATS_PORT", 4322),
    "redis": ("REDIS_PORT", 6479),
    "stripe": ("STRIPE_PORT", 12111),
    "client": ("CLIENT_PORT", 3100),
    **{name: (f"{name.upper()}_PORT", 3101 + n) for n, name in enumerate(SERVICES)},
    "worker": ("WORKER_PORT", 3106),
    "internal": ("INTERNAL_PORT", 3107),
}


def resolve_ports(environment: Mapping[str, str]) -> dict[str, int]:
    """Return the port of each program. Raise `CliError` if two have the same."""
    ports = {
        name: read_int(environment, variable, default, maximum=65535)
        for name, (variable, default) in PORTS.items()
    }
    for (name, port), (other, other_port) in combinations(ports.items(), 2):
        if port == other_port:
            variables = f"{PORTS[name][0]} and {PORTS[other][0]}"
            raise CliError(f"{variables} are both {port}. Change one of them.")
    return ports


def read_int(environment: Mapping[str, str], variable: str, default: int, maximum: int) -> int:
    """Return the value of a variable, which must be a whole number of at least 1."""
    text = environment.get(variable) or str(default)
    if text.isascii() and text.isdigit() and 1 <= int(text) <= maximum:
        return int(text)
    raise CliError(f"{variable} must be a whole number from 1 to {maximum}, not {text!r}.")


def ensure_free(listeners: Iterable[tuple[str, int]]) -> None:
    """Raise `CliError` if a port is in use. The error names the process and the fix."""
    for name, port in listeners:
        reason = _conflict(port)
        if reason:
            variable = PORTS[name.partition("-")[0]][0]
            raise CliError(
                f"Port {port} (for {name}) {reason}. "
                f"Run `{variable}=<another port> make start`, or free the port."
            )


def _conflict(port: int) -> str:
    try:
        # Checked first, because macOS allows binding 127.0.0.1 below another process's 0.0.0.0.
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return f"is taken{_describe_listener(port)}"
    except OSError:
        pass
    try:
        with socket.create_server(("127.0.0.1", port)):
            return ""
    except OSError as error:
        if error.errno == errno.EACCES:
            return "may only be opened by root"
        return f"is taken{_describe_listener(port)}"


def _describe_listener(port: int) -> str:
    """Return the process that listens, if the system lets us see it."""
    for process in psutil.process_iter():
        try:
            for connection in process.net_connections("tcp"):
                if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
                    return f" by {process.name()} (pid {process.pid})"
        except psutil.Error:
            continue
    return ""
