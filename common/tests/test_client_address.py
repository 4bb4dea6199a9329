"""Tests of the client's address behind our proxies."""

import pytest
from fastapi import Request

from common.web.client_address import (
    client_address,
    client_network,
    network_of,
    set_client_network,
)


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
def test_client_address_trusts_only_our_proxies_entries(
    forwarded: list[str], proxies: int, address: str
) -> None:
    assert client_address(request(*forwarded), proxies) == address


@pytest.mark.parametrize("peer", [None, "a-socket"])
def test_client_address_of_peer_without_ip_is_unknown(peer: str | None) -> None:
    assert client_address(request(peer=peer), 1) == "unknown"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("unknown", "unknown"),
    ],
)
def test_network_of_ipv6_is_the_part_its_holder_cannot_choose(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("forwarded", "proxies", "network"),
    [
        (["192.0.2.1"], 1, "192.0.2.1"),
        (["::ffff:192.0.2.1"], 1, "192.0.2.1"),
        (["2001:db8:1:2:3:4:5:6"], 1, "2001:db8:1:2::/64"),
        (["2001:db8::1"], 1, "2001:db8::/64"),
        (["x" * 60_000], 1, "198.51.100.9"),
        ([], 0, "198.51.100.9"),
        ([], 1, None),
        ([""], 1, None),
    ],
)
def test_client_network_is_the_address_or_its_ipv6_network(
    forwarded: list[str], proxies: int, network: str | None
) -> None:
    scope = request(*forwarded).scope

    assert set_client_network(scope, proxies) == network
    assert client_network(scope) == network


def test_client_without_an_address_has_no_network() -> None:
    assert set_client_network(request(peer=None).scope, 0) is None
