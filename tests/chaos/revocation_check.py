"""Every replica that asks who somebody is: whether it has heard which sessions were ended."""

import asyncio
from collections.abc import Iterable
from typing import Final

import httpx

from common.testing.plugin import session_cookie, someone
from common.values.ids import new_id
from support.system import System
from ticketing_local.stack.ports import NEXT_REPLICA

REFUSED: Final = 401
AT_ONCE: Final = 20
GATES: Final = {
    "auth": "/api/users/sessions",
    "tickets": "/api/tickets/mine",
    "orders": "/api/orders",
    "payments": f"/api/payments?orderId={new_id()}",
}
"""What each service shows to those only whom it knows."""


async def believed(system: System, ended: Iterable[str]) -> list[str]:
    """Show every replica the access tokens of ended sessions; give those that believe one."""
    tokens = list(ended)
    wrong: list[str] = []
    for service, path in GATES.items():
        for n, name in enumerate(system.replicas_of(service)):
            url = f"http://127.0.0.1:{system.port[service] + n * NEXT_REPLICA}{path}"
            refused = await _refused(url, [session_cookie(someone()), *tokens])
            if refused[0]:
                wrong.append(f"nobody: {name} refuses a living one too")
            wrong += [name for gone in refused[1:] if not gone]
    return wrong


async def _refused(url: str, tokens: Iterable[str]) -> list[bool]:
    limits = httpx.Limits(max_connections=AT_ONCE)
    async with httpx.AsyncClient(trust_env=False, timeout=60, limits=limits) as http:
        answers = await asyncio.gather(
            *(http.get(url, headers={"Cookie": f"session={token}"}) for token in tokens)
        )
    return [answer.status_code == REFUSED for answer in answers]
