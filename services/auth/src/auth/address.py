"""The network that a client's attempts are counted by."""

from ipaddress import ip_network


def rate_limit_network(address: str) -> str:
    """Return the part of an address that its holder cannot choose: in IPv6 the /64 network."""
    try:
        return str(ip_network(f"{address}/64", strict=False)) if ":" in address else address
    except ValueError:  # a link-local address contains its interface
        return address
