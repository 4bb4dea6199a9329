"""Tests of the network that sign-in attempts are counted by."""

import pytest

from auth.address import rate_limit_network


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("fe80::1%eth0", "fe80::1%eth0", True),
        ("unknown", "unknown", True),
    ],
)
def test_rate_limit_network_groups_ipv6_by_64(one: str, other: str, *, equal: bool) -> None:
    assert (rate_limit_network(one) == rate_limit_network(other)) is equal
