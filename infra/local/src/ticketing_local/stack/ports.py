"""The ports of a running system: an uncommon block, each movable, none taken from anyone."""

import errno
import socket
from collections.abc import Iterable, Mapping

import psutil

from ticketing_local.errors import CliError

SERVICES = ("auth", "tickets", "orders", "expiration", "payments")
REPLICA_PORT_OFFSET = 100  # the second orders listens a hundred ports above the first

# What listens -> the variable that moves it, its port unless moved.
PORTS = {
    "gateway": ("PORT", 8080),
    "mongod": ("MONGO_PORT", 27117),
    "nats": ("NATS_PORT", 4322),
    "redis": ("REDIS_PORT", 6479),
    "stripe": ("STRIPE_PORT", 12111),
    "client": ("CLIENT_PORT", 3100),
    **{name: (f"{name.upper()}_PORT", 3101 + n) for n, name in enumerate(SERVICES)},
    "worker": ("WORKER_PORT", 3106),
}


def resolve_ports(environment: Mapping[str, str]) -> dict[str, int]:
    """Give each listener its port, as the environment moves it."""
    ports = {
        name: read_int(environment, variable, default, maximum=65535)
        for name, (variable, default) in PORTS.items()
    }
    for name, port in ports.items():
        for other, other_port in ports.items():
            if name < other and port == other_port:
                variables = f"{PORTS[name][0]} and {PORTS[other][0]}"
                raise CliError(f"{variables} are both {port}: move one of them.")
    return ports


def read_int(environment: Mapping[str, str], variable: str, default: int, maximum: int) -> int:
    """Read a whole number of at least 1, or say which variable has none."""
    text = environment.get(variable) or str(default)
    if text.isascii() and text.isdigit() and 1 <= int(text) <= maximum:
        return int(text)
    raise CliError(f"{variable} must be a whole number from 1 to {maximum}, not {text!r}.")


def ensure_free(listeners: Iterable[tuple[str, int]]) -> None:
    """Refuse to start where someone else listens, naming whom and the way out."""
    for name, port in listeners:
        reason = _conflict(port)
        if reason:
            variable = PORTS[name.partition("-")[0]][0]
            raise CliError(
                f"Port {port} (for {name}) {reason}. "
                f"Move ours with {variable}=<another port> make start, or free it."
            )


def _conflict(port: int) -> str:
    try:
        # Asked first, because macOS lets one bind 127.0.0.1 below another's 0.0.0.0.
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
    """Name who listens, where the system lets us see it."""
    for process in psutil.process_iter():
        try:
            for connection in process.net_connections("tcp"):
                if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
                    return f" by {process.name()} (pid {process.pid})"
        except psutil.Error:
            continue
    return ""
