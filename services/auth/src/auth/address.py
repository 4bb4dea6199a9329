"""Where a request comes from: the address that the nearest proxy of ours saw, never one claimed."""

from ipaddress import IPv6Address, ip_address, ip_network

from fastapi import Request

UNKNOWN = "unknown"


def client_address(request: Request, trusted_proxies: int) -> str:
    """Give the client's address.

    Each proxy appends whom it saw to X-Forwarded-For, so only as many of its last entries can be
    believed as there are proxies of ours; all before them are the client's own words.
    """
    hops = [
        hop.strip()
        for line in request.headers.getlist("x-forwarded-for")
        for hop in line.split(",")
    ]
    forwarded = hops[-trusted_proxies:][:1] if trusted_proxies else []
    peer = request.client.host if request.client else UNKNOWN
    for candidate in (*forwarded, peer):
        try:
            address = ip_address(candidate)
        except ValueError:
            continue
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        return str(mapped or address)
    return UNKNOWN


def rate_limit_network(address: str) -> str:
    """Give the part of an address that its holder cannot choose: in IPv6 that is a /64."""
    try:
        return str(ip_network(f"{address}/64", strict=False)) if ":" in address else address
    except ValueError:  # a link-local address names its interface too
        return address
