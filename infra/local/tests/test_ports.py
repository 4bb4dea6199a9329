import os
import socket
import sys

import pytest

from ticketing_local.errors import CliError
from ticketing_local.stack import ports


def test_every_port_can_be_set_by_its_variable() -> None:
    moved = {variable: str(40_000 + n) for n, (variable, _) in enumerate(ports.PORTS.values())}
    assert list(ports.resolve_ports(moved).values()) == [int(port) for port in moved.values()]


def test_empty_variable_keeps_the_default_port() -> None:
    assert ports.resolve_ports({"PORT": ""}) == ports.resolve_ports({})


@pytest.mark.parametrize("text", ["tcp://10.0.0.1:6379", "0", "65536", "-1", "8080 ", "٣"])
def test_invalid_port_is_refused_by_variable_name(text: str) -> None:
    with pytest.raises(CliError, match="REDIS_PORT must be a whole number from 1 to 65535"):
        ports.resolve_ports({"REDIS_PORT": text})


def test_duplicate_ports_are_refused() -> None:
    with pytest.raises(CliError, match=r"(?=.*NATS_PORT)(?=.*REDIS_PORT).*are both 6479"):
        ports.resolve_ports({"NATS_PORT": "6479"})


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])  # noqa: S104  the case in question
def test_taken_port_error_names_process_and_fix(address: str) -> None:
    with socket.create_server((address, 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CliError) as error:
            ports.ensure_free([("orders-2", port)])
    message = str(error.value)
    assert f"Port {port} (for orders-2) is taken by" in message
    assert f"(pid {os.getpid()})" in message
    assert "ORDERS_PORT=<another port> make start" in message


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() == 0,
    reason="root may open any port, and on macOS anybody may",
)
def test_privileged_port_is_refused() -> None:
    with pytest.raises(CliError, match="may only be opened by root"):
        ports.ensure_free([("gateway", 81)])


def test_free_port_is_accepted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    ports.ensure_free([("gateway", port)])
