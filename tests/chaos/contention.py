"""The crowd: two hundred buyers want one ticket at the same moment, again and again."""

import asyncio
from collections import Counter
from typing import Any

import httpx
from bson import ObjectId
from pymongo import AsyncMongoClient

from common.testing.plugin import eventually, session_cookie, someone
from support.api_user import CERTIFICATES, Person
from support.system import System

BUYERS = 200
REFUSED = 400


async def rush(system: System, rounds: int, buyers: int = BUYERS) -> list[str]:
    """Let the crowd loose; give every round that did not end with exactly one order."""
    wrong: list[str] = []
    people = [someone() for _ in range(buyers)]
    seller = Person.known(system.address)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=buyers)
    async with httpx.AsyncClient(
        base_url=system.address, timeout=60, verify=CERTIFICATES, limits=limits, trust_env=False
    ) as http:
        cookies = [f"session={session_cookie(person)}" for person in people]
        for n in range(rounds):
            ticket = await seller.sell(f"Wanted by everybody, {n}")

            async def heard(ticket_id: str = ticket["id"]) -> bool:
                """Orders knows the ticket: it refuses its seller with other words."""
                own = await seller.send("POST", "/api/orders", {"ticketId": ticket_id})
                return own.status_code == REFUSED

            await eventually(heard)
            answers = await asyncio.gather(
                *(
                    http.post(
                        "/api/orders", json={"ticketId": ticket["id"]}, headers={"Cookie": cookie}
                    )
                    for cookie in cookies
                )
            )
            statuses = Counter(answer.status_code for answer in answers)
            placed = await _orders_on(system, ticket["id"])
            if statuses != {201: 1, 400: buyers - 1} or placed != 1:
                wrong.append(f"round {n}: {dict(statuses)}, {placed} orders stored")
    await seller.leave()
    return wrong


async def _orders_on(system: System, ticket_id: str) -> int:
    async with AsyncMongoClient[dict[str, Any]](system.mongo) as mongo:
        return await mongo["orders"]["orders"].count_documents({"ticket.id": ObjectId(ticket_id)})
