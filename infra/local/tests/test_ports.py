import os
import socket
import sys

import pytest

from ticketing_local.errors import CliError
from ticketing_local.stack import ports
from ticketing_local.testing.free_ports import free_port


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


def test_choose_free_ports_moves_a_default_that_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        monkeypatch.setattr(
            ports, "PORTS", {**ports.PORTS, "redis": ("REDIS_PORT", taken), "auth": ("A", taken)}
        )
        monkeypatch.setattr(ports, "ALTERNATIVE_PORT_OFFSET", 1)
        gateway = str(free_port())
        chosen = ports.choose_free_ports({"PORT": gateway}, replicas=2)

    assert chosen["PORT"] == gateway
    assert int(chosen["REDIS_PORT"]) > taken
    assert int(chosen["A"]) > taken
    assert "gateway" not in ports.describe_moved({"PORT": gateway}, chosen)
    assert len(set(chosen.values())) == len(chosen)
    assert f"redis {chosen['REDIS_PORT']}" in ports.describe_moved({"PORT": gateway}, chosen)


@pytest.mark.parametrize("required", [[], ["gateway"]])
def test_choose_free_ports_refuses_a_taken_port_that_was_asked_for(required: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        environ = {} if required else {"PORT": str(port)}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ports, "PORTS", {**ports.PORTS, "gateway": ("PORT", port)})
            with pytest.raises(CliError, match=f"Port {port} .for gateway. is taken by"):
                ports.choose_free_ports(environ, required=required)


def test_choose_free_ports_avoids_those_that_were_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    port = free_port()
    monkeypatch.setattr(ports, "PORTS", {"auth": ("AUTH_PORT", port), "gateway": ("PORT", 1)})
    chosen = ports.choose_free_ports({"PORT": str(port)})
    assert chosen["PORT"] == str(port)
    assert chosen["AUTH_PORT"] != str(port)
