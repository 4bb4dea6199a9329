"""The check that every replica rejects the access tokens of ended sessions."""

import asyncio
from collections.abc import Iterable
from typing import Final

import httpx

from common.testing.client import make_user, session_cookie
from common.values.ids import new_id
from support.system import System
from ticketing_local.stack.ports import REPLICA_PORT_OFFSET

UNAUTHORIZED: Final = 401
MAX_CONNECTIONS: Final = 20
PROTECTED_PATHS: Final = {
    "auth": "/api/users/sessions",
    "tickets": "/api/tickets/mine",
    "orders": "/api/orders",
    "payments": f"/api/payments?orderId={new_id()}",
}
"""A path of each service that needs a session."""


async def accepting_replicas(system: System, ended: Iterable[str]) -> list[str]:
    """Return the replicas that accept an access token of an ended session."""
    tokens = list(ended)
    accepting: list[str] = []
    for service, path in PROTECTED_PATHS.items():
        for n, name in enumerate(system.replicas_of(service)):
            url = f"http://127.0.0.1:{system.port[service] + n * REPLICA_PORT_OFFSET}{path}"
            rejected = await _rejected(url, [session_cookie(make_user()), *tokens])
            if rejected[0]:
                accepting.append(f"none: {name} rejects a valid session too")
            accepting += [name for is_rejected in rejected[1:] if not is_rejected]
    return accepting


async def _rejected(url: str, tokens: Iterable[str]) -> list[bool]:
    limits = httpx.Limits(max_connections=MAX_CONNECTIONS)
    async with httpx.AsyncClient(trust_env=False, timeout=60, limits=limits) as http:
        responses = await asyncio.gather(
            *(http.get(url, headers={"Cookie": f"session={token}"}) for token in tokens)
        )
    return [response.status_code == UNAUTHORIZED for response in responses]
