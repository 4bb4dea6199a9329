import os
import socket
import sys

import pytest

from ticketing_local.errors import Trouble
from ticketing_local.stack import ports


def test_every_port_can_be_moved_by_its_variable() -> None:
    moved = {variable: str(40_000 + n) for n, (variable, _) in enumerate(ports.PORTS.values())}
    assert list(ports.chosen(moved).values()) == [int(port) for port in moved.values()]


def test_an_empty_variable_moves_nothing() -> None:
    assert ports.chosen({"PORT": ""}) == ports.chosen({})


@pytest.mark.parametrize("text", ["tcp://10.0.0.1:6379", "0", "65536", "-1", "8080 ", "٣"])
def test_a_port_that_is_no_port_is_refused_by_name(text: str) -> None:
    with pytest.raises(Trouble, match="REDIS_PORT must be a whole number from 1 to 65535"):
        ports.chosen({"REDIS_PORT": text})


def test_two_listeners_on_one_port_are_refused() -> None:
    with pytest.raises(Trouble, match=r"(?=.*NATS_PORT)(?=.*REDIS_PORT).*are both 6479"):
        ports.chosen({"NATS_PORT": "6479"})


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])  # noqa: S104  the case in question
def test_a_taken_port_names_its_holder_and_the_way_out(address: str) -> None:
    with socket.create_server((address, 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(Trouble) as trouble:
            ports.refuse_taken([("orders-2", port)])
    said = str(trouble.value)
    assert f"Port {port} (for orders-2) is taken by" in said
    assert f"(pid {os.getpid()})" in said
    assert "ORDERS_PORT=<another port> make start" in said


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() == 0,
    reason="root may open any port, and on macOS anybody may",
)
def test_a_port_for_root_is_refused() -> None:
    with pytest.raises(Trouble, match="may only be opened by root"):
        ports.refuse_taken([("gateway", 81)])


def test_free_ports_are_not_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    ports.refuse_taken([("gateway", port)])
