"""The client's IP address: the one place that parses X-Forwarded-For.

uvicorn's own parser is off (`--no-proxy-headers`), because it trusts proxies by address: a client
in a trusted network could then claim any address.
"""

from ipaddress import IPv6Address, ip_address
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
