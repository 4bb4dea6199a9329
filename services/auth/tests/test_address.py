"""Where a request comes from."""

import pytest
from fastapi import Request

from auth.address import client_address, rate_limit_network


def request(*forwarded: str, peer: str | None = "198.51.100.9") -> Request:
    return Request(
        {
            "type": "http",
            "headers": [(b"x-forwarded-for", line.encode()) for line in forwarded],
            "client": (peer, 1) if peer else None,
        }
    )


@pytest.mark.parametrize(
    ("forwarded", "proxies", "address"),
    [
        ([], 1, "198.51.100.9"),
        (["192.0.2.1"], 1, "192.0.2.1"),
        (["203.0.113.66, 192.0.2.1"], 1, "192.0.2.1"),
        (["203.0.113.66", "192.0.2.1"], 1, "192.0.2.1"),
        (["203.0.113.66, 192.0.2.1, 10.0.0.1"], 2, "192.0.2.1"),
        (["192.0.2.1"], 2, "192.0.2.1"),
        (["192.0.2.1"], 0, "198.51.100.9"),
        (["192.0.2.1, nonsense"], 1, "198.51.100.9"),
        (["", ""], 1, "198.51.100.9"),
        (["::ffff:192.0.2.1"], 1, "192.0.2.1"),
        (["2001:DB8::1"], 1, "2001:db8::1"),
    ],
)
def test_only_what_our_own_proxies_saw_is_believed(
    forwarded: list[str], proxies: int, address: str
) -> None:
    assert client_address(request(*forwarded), proxies) == address


@pytest.mark.parametrize("peer", [None, "a-socket"])
def test_a_peer_without_an_address_is_somebody_too(peer: str | None) -> None:
    assert client_address(request(peer=peer), 1) == "unknown"


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("fe80::1%eth0", "fe80::1%eth0", True),
        ("unknown", "unknown", True),
    ],
)
def test_a_holder_of_a_whole_network_is_one_neighbour(one: str, other: str, *, alike: bool) -> None:
    assert (rate_limit_network(one) == rate_limit_network(other)) is alike
