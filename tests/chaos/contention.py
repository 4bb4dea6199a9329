"""Contention: 200 buyers order one ticket at the same moment, repeatedly."""

import asyncio
from collections import Counter
from typing import Any

import httpx
from bson import ObjectId
from pymongo import AsyncMongoClient

from common.testing.client import make_user, session_cookie
from common.testing.polling import eventually
from support.api_user import signed_in_user
from support.system import System
from ticketing_local.api_user import CERTIFICATES

BUYERS = 200
BAD_REQUEST = 400


async def run_contention(system: System, rounds: int, buyers: int = BUYERS) -> list[str]:
    """Run the rounds and return each that did not end with exactly one order."""
    failures: list[str] = []
    seller = signed_in_user(system.address)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=buyers)
    async with httpx.AsyncClient(
        base_url=system.address, timeout=60, verify=CERTIFICATES, limits=limits, trust_env=False
    ) as http:
        for n in range(rounds):
            # New buyers, because the unpaid orders of a buyer are limited.
            cookies = [f"session={session_cookie(make_user())}" for _ in range(buyers)]
            ticket = await seller.sell(f"Contended ticket {n}")

            async def is_known_to_orders(ticket_id: str = ticket["id"]) -> bool:
                """Return whether orders rejects the seller, instead of an unknown ticket."""
                response = await seller.request("POST", "/api/orders", {"ticketId": ticket_id})
                return response.status_code == BAD_REQUEST

            await eventually(is_known_to_orders)
            responses = await asyncio.gather(
                *(
                    http.post(
                        "/api/orders", json={"ticketId": ticket["id"]}, headers={"Cookie": cookie}
                    )
                    for cookie in cookies
                )
            )
            statuses = Counter(response.status_code for response in responses)
            placed = await _count_orders_on(system, ticket["id"])
            if statuses != {201: 1, 400: buyers - 1} or placed != 1:
                failures.append(f"round {n}: {dict(statuses)}, {placed} orders stored")
    await seller.close()
    return failures


async def _count_orders_on(system: System, ticket_id: str) -> int:
    async with AsyncMongoClient[dict[str, Any]](system.mongo) as mongo:
        return await mongo["orders"]["orders"].count_documents({"ticket.id": ObjectId(ticket_id)})
