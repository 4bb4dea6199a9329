"""The ports of the stack: unusual defaults, each with a variable that changes it."""

import errno
import socket
from collections.abc import Collection, Iterable, Mapping
from itertools import combinations

import psutil

from ticketing_local.errors import CliError

SERVICES = ("auth", "tickets", "orders", "expiration", "payments")
REPLICA_PORT_OFFSET = 100
"""The second replica of a service listens this far above the first."""
ALTERNATIVE_PORT_OFFSET = 1_000
"""If a default port is taken, the next one tried is this far above it."""
MAX_PORT = 65_535

# Name -> (variable, default port).
PORTS = {
    "gateway": ("PORT", 8080),
    "mongod": ("MONGO_PORT", 27117),
    "nats": ("NATS_PORT", 4322),
    "redis": ("REDIS_PORT", 6479),
    "stripe": ("STRIPE_PORT", 12111),
    "mail": ("MAIL_PORT", 12080),
    "smtp": ("SMTP_PORT", 12025),
    "client": ("CLIENT_PORT", 3100),
    **{name: (f"{name.upper()}_PORT", 3101 + n) for n, name in enumerate(SERVICES)},
    "worker": ("WORKER_PORT", 3106),
    "internal": ("INTERNAL_PORT", 3107),
    "mailer": ("MAILER_PORT", 3108),
}


def resolve_ports(environment: Mapping[str, str]) -> dict[str, int]:
    """Return the port of each program. Raise `CliError` if two have the same."""
    ports = {name: _read_port(environment, name) for name in PORTS}
    _refuse_duplicates(ports)
    return ports


def choose_free_ports(
    environment: Mapping[str, str], replicas: int = 1, required: Collection[str] = ()
) -> dict[str, str]:
    """Return a port for each program, by variable: its own or else a free one.

    Args:
        environment: the variables. A port that one of them names is used, or refused.
        replicas: how many replicas each service has. Their ports are free too.
        required: the programs whose default port is used, or refused.
    """
    fixed = {
        name: _read_port(environment, name)
        for name, (variable, _) in PORTS.items()
        if environment.get(variable) or name in required
    }
    _refuse_duplicates(fixed)
    listeners = [(name, port) for name in fixed for port in _listeners(name, fixed[name], replicas)]
    ensure_free(listeners)
    used = {port for _, port in listeners}
    chosen: dict[str, str] = {}
    for name, (variable, default) in PORTS.items():
        port = fixed.get(name) or _find_free(name, default, replicas, used)
        used.update(_listeners(name, port, replicas))
        chosen[variable] = str(port)
    return chosen


def describe_moved(environment: Mapping[str, str], chosen: Mapping[str, str]) -> str:
    """Return the programs that have neither the port of their variable nor their default one."""
    return ", ".join(
        f"{name} {chosen[variable]}"
        for name, (variable, default) in PORTS.items()
        if not environment.get(variable) and chosen[variable] != str(default)
    )


def _find_free(name: str, default: int, replicas: int, used: Collection[int]) -> int:
    for port in range(default, MAX_PORT - ALTERNATIVE_PORT_OFFSET, ALTERNATIVE_PORT_OFFSET):
        if not any(p in used or _conflict(p) for p in _listeners(name, port, replicas)):
            return port
    raise CliError(f"No port is free for {name}. Choose one: {PORTS[name][0]}=<port>.")


def _listeners(name: str, port: int, replicas: int) -> list[int]:
    """Return the ports of all replicas of a program."""
    count = replicas if name in SERVICES else 1
    return [port + REPLICA_PORT_OFFSET * n for n in range(count)]


def _refuse_duplicates(ports: Mapping[str, int]) -> None:
    for (name, port), (other, other_port) in combinations(ports.items(), 2):
        if port == other_port:
            variables = f"{PORTS[name][0]} and {PORTS[other][0]}"
            raise CliError(f"{variables} are both {port}. Change one of them.")


def _read_port(environment: Mapping[str, str], name: str) -> int:
    variable, default = PORTS[name]
    return read_int(environment, variable, default, maximum=MAX_PORT)


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
                f"Port {port} (for {name}) {reason}{_describe_listener(port)}. "
                f"Run `{variable}=<another port> make start`, or free the port."
            )


def _conflict(port: int) -> str:
    try:
        # Checked first, because macOS allows binding 127.0.0.1 below another process's 0.0.0.0.
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return "is taken"
    except OSError:
        pass
    try:
        with socket.create_server(("127.0.0.1", port)):
            return ""
    except OSError as error:
        return "may only be opened by root" if error.errno == errno.EACCES else "is taken"


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
