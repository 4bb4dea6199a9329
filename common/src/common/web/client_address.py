"""The client's IP address: the one place that parses X-Forwarded-For.

uvicorn's own parser is off (`--no-proxy-headers`), because it trusts proxies by address: a client
in a trusted network could then claim any address.
"""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from fastapi import Request
from starlette.types import Scope

UNKNOWN: Final = "unknown"
FORWARDED_FOR: Final = b"x-forwarded-for"
MAX_ADDRESS_LENGTH: Final = 45
CACHED_ADDRESSES: Final = 4_096
_NETWORK: Final = "client_network"


def client_address(request: Request, trusted_proxies: int) -> str:
    """Return the address that the outermost trusted proxy saw.

    Each proxy appends its peer to X-Forwarded-For, so only the last `trusted_proxies` entries can
    be trusted. All entries before them come from the client.
    """
    return _address(request.scope, _forwarded_for(request.scope), trusted_proxies)


def set_client_network(scope: Scope, trusted_proxies: int) -> str | None:
    """Return and store the network whose requests are limited together, or None.

    It is the client's address, or its /64 for IPv6. A request without X-Forwarded-For, although
    there are trusted proxies, did not come through one of them. It is internal, such as a probe,
    and has no network.
    """
    lines = _forwarded_for(scope)
    network: str | None = None
    if lines or not trusted_proxies:
        address = _address(scope, lines, trusted_proxies)
        network = None if address == UNKNOWN else network_of(address)
    scope[_NETWORK] = network
    return network


def client_network(scope: Scope) -> str | None:
    """Return the network that `set_client_network` stored."""
    network: str | None = scope.get(_NETWORK)
    return network


def _forwarded_for(scope: Scope) -> list[bytes]:
    return [value for name, value in scope["headers"] if name == FORWARDED_FOR and value]


def _address(scope: Scope, lines: list[bytes], trusted_proxies: int) -> str:
    hops = b",".join(lines).split(b",")
    forwarded = hops[-trusted_proxies:][:1] if trusted_proxies else []
    client: tuple[str, int] | None = scope.get("client")
    peer = client[0] if client else UNKNOWN
    for candidate in (*forwarded, peer.encode()):
        text = candidate.strip()
        address = _canonical(text) if len(text) <= MAX_ADDRESS_LENGTH else None
        if address is not None:
            return address
    return UNKNOWN


@lru_cache(CACHED_ADDRESSES)
def _canonical(text: bytes) -> str | None:
    try:
        address = ip_address(text.decode("latin-1"))
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


@lru_cache(CACHED_ADDRESSES)
def network_of(address: str) -> str:
    """Return the part of an address that its holder cannot choose: in IPv6 the /64 network."""
    try:
        return str(ip_network(f"{address}/64", strict=False)) if ":" in address else address
    except ValueError:  # a link-local address contains its interface
        return address
