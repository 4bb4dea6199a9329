"""Floods of correct requests, and of what each of them leaves in memory or in a store."""

import json
import secrets
from typing import Final

from common.testing.raw_http import RESPONSE_TIMEOUT_SECONDS, request_bytes
from siege.attack import Attack, Siege
from siege.attacker import Attacker, AttackReport, Facts

MAX_REQUESTS_PER_SECOND: Final = 200
BURST: Final = 400
TOLERANCE: Final = 1.3
STREAMS: Final = 900
COOKIE_BYTES: Final = 15_000
LANGUAGE_BODY_BYTES: Final = 60_000_000
MAX_STORED_KEYS: Final = 50
ABANDONED_PAGE_SECONDS: Final = 0.05


async def request_flood(attacker: Attacker) -> None:
    """Read the first page as fast as possible."""
    clients = [attacker.client(number) for number in range(40)]

    async def read(number: int) -> None:
        await clients[number].request("GET", "/api/tickets")

    await attacker.repeat(len(clients), read)
    for client in clients:
        client.close()
    attacker.report.observed["addresses"] = len(attacker.target.addresses)
    attacker.report.observed["seconds"] = attacker.target.seconds


async def _check_rate(_siege: Siege, _facts: Facts, report: AttackReport) -> list[str]:
    allowed = BURST + MAX_REQUESTS_PER_SECOND * report.observed["seconds"]
    allowed *= TOLERANCE * report.observed["addresses"]
    served = report.statuses["200"]
    return [f"{served} requests were served, {allowed:.0f} are allowed"] if served > allowed else []


async def event_streams(attacker: Attacker) -> None:
    """Open event streams and keep them open without reading."""

    async def watch(number: int) -> None:
        async with await attacker.connect(number) as connection:
            await connection.send(request_bytes("GET", "/api/tickets/events"))
            status = await connection.receive_status()
            attacker.report.statuses[str(status)] += 1
            if status == 200:
                while attacker.is_running:
                    await attacker.pace(RESPONSE_TIMEOUT_SECONDS)
        await attacker.pace(1)

    await attacker.repeat(STREAMS, watch)


async def idempotency_keys(attacker: Attacker) -> None:
    """Order unknown tickets, each with a new Idempotency-Key."""
    clients = [attacker.client(number, attacker.facts["cookie"]) for number in range(16)]

    async def order(number: int) -> None:
        body = json.dumps({"ticketId": secrets.token_hex(12)}).encode()
        headers = {"Idempotency-Key": secrets.token_hex(100)}
        await clients[number].request("POST", "/api/orders", body, headers)

    await attacker.repeat(len(clients), order)
    for client in clients:
        client.close()


async def _sign_in(siege: Siege) -> Facts:
    (user_id,), (cookie,) = siege.session_cookies(1)
    return {"user": user_id, "cookie": cookie}


async def _check_stored_keys(siege: Siege, facts: Facts, _report: AttackReport) -> list[str]:
    records = siege.mongo["orders"]["idempotency"]
    count = await records.count_documents({"_id": {"$regex": f"^{facts['user']}"}})
    return [f"{count} Idempotency-Keys are stored"] if count > MAX_STORED_KEYS else []


async def huge_cookies(attacker: Attacker) -> None:
    """Send a new invalid access token of 15 kB with each request."""
    clients = [attacker.client(number) for number in range(16)]
    padding = secrets.token_urlsafe(COOKIE_BYTES)[:COOKIE_BYTES]

    async def read(number: int) -> None:
        path = ("/api/orders", "/api/tickets/mine", "/api/payments", "/api/users/currentuser")
        cookie = {"Cookie": f"session={secrets.token_hex(8)}{padding}"}
        await clients[number].request("GET", path[number % 4], headers=cookie)

    await attacker.repeat(len(clients), read)
    for client in clients:
        client.close()


async def unknown_parameters(attacker: Attacker) -> None:
    """Read the first page under ever new query strings, which no cache holds."""
    clients = [attacker.client(number) for number in range(16)]
    padding = "p" * 2_000

    async def read(number: int) -> None:
        await clients[number].request("GET", f"/api/tickets?{secrets.token_hex(8)}={padding}")

    await attacker.repeat(len(clients), read)
    for client in clients:
        client.close()


async def language_body(attacker: Attacker) -> None:
    """Send 60 MB to the form that chooses the language."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    body = b"language=en&x=" + b"x" * LANGUAGE_BODY_BYTES

    async def choose(number: int) -> None:
        async with attacker.client(number) as client:
            await client.request("POST", "/language", body, headers)

    await attacker.repeat(4, choose)


async def page_flood(attacker: Attacker) -> None:
    """Open pages that the web client has to render, each a search that no cache holds.

    Every fifth task gives its pages up while they are rendered.
    """

    async def read(number: int) -> None:
        path = f"/?q={secrets.token_hex(4)}&sort=price"
        if number % 5 == 0:
            async with await attacker.connect(number) as connection:
                await connection.send(request_bytes("GET", path))
                await attacker.pace(ABANDONED_PAGE_SECONDS)
            attacker.count(None)
            return
        async with attacker.client(number) as client:
            await client.request("GET", path)

    await attacker.repeat(50, read)


ATTACKS: Final = (
    Attack(
        "request-flood",
        "reads as fast as half a core can send them",
        request_flood,
        check=_check_rate,
        exhausts_its_address=True,
    ),
    Attack(
        "event-streams",
        f"{STREAMS} event streams held open",
        event_streams,
        max_memory_growth_mib=150,
        exhausts_its_address=True,
    ),
    Attack(
        "idempotency-keys",
        "orders of unknown tickets, each with a new Idempotency-Key",
        idempotency_keys,
        prepare=_sign_in,
        check=_check_stored_keys,
        exhausts_its_address=True,
    ),
    Attack(
        "huge-cookies",
        "invalid access tokens of 15 kB",
        huge_cookies,
        max_memory_growth_mib=50,
        exhausts_its_address=True,
    ),
    Attack(
        "unknown-parameters",
        "query strings that no cache holds",
        unknown_parameters,
        max_memory_growth_mib=50,
        exhausts_its_address=True,
    ),
    Attack(
        "language-body",
        "60 MB for the language form",
        language_body,
        max_memory_growth_mib=50,
        needs_client=True,
    ),
    Attack(
        "page-flood",
        "pages that the web client has to render",
        page_flood,
        max_memory_growth_mib=50,
        exhausts_its_address=True,
        needs_client=True,
    ),
)
