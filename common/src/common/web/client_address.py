"""The client's IP address: the one place that parses X-Forwarded-For.

uvicorn's own parser is off (`--no-proxy-headers`), because it trusts proxies by address: a client
in a trusted network could then claim any address.
"""

from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from fastapi import Request

UNKNOWN: Final = "unknown"


def client_address(request: Request, trusted_proxies: int) -> str:
    """Return the address that the outermost trusted proxy saw.

    Each proxy appends its peer to X-Forwarded-For, so only the last `trusted_proxies` entries can
    be trusted. All entries before them come from the client.
    """
    hops = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    forwarded = hops[-trusted_proxies:][:1] if trusted_proxies else []
    peer = request.client.host if request.client else UNKNOWN
    for candidate in (*forwarded, peer):
        try:
            address = ip_address(candidate.strip())
        except ValueError:
            continue
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        return str(mapped or address)
    return UNKNOWN


def network_of(address: str) -> str:
    """Return the part of an address that its holder cannot choose: in IPv6 the /64 network."""
    try:
        return str(ip_network(f"{address}/64", strict=False)) if ":" in address else address
    except ValueError:  # a link-local address contains its interface
        return address
