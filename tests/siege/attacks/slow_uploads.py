"""Files of tickets that arrive slowly or are given up, so that others could upload nothing."""

import asyncio
from typing import Final

from common.testing.raw_http import request_bytes
from siege.attack import Attack, Siege, cookie_of
from siege.attacker import Attacker, AttackReport, Facts
from support.api_user import signed_in_user
from tickets.sample_files import ticket_pdf

SELLERS: Final = 20
PIECE: Final = b"x" * 20_000
PIECE_INTERVAL_SECONDS: Final = 1.0
DECLARED_LENGTH: Final = 5_000_000
HONEST_INTERVAL_SECONDS: Final = 0.5


def _upload(ticket_id: str, cookie: str, length: int, body: bytes = b"") -> bytes:
    headers = {"Content-Type": "application/pdf", "Content-Length": str(length), "Cookie": cookie}
    return request_bytes("PUT", f"/api/tickets/{ticket_id}/file", headers) + body


async def slow_uploads(attacker: Attacker) -> None:
    """Send large files as slowly as is allowed. The first seller uploads an ordinary file."""
    honest_ticket_id, _ = attacker.facts["sellers"][0]
    file = ticket_pdf(honest_ticket_id.encode())

    async def upload_one(number: int) -> None:
        ticket_id, cookie = attacker.facts["sellers"][number]
        async with await attacker.connect(number) as connection:
            if number == 0:
                await connection.send(_upload(ticket_id, cookie, len(file), file))
                response = await connection.receive()
                uploaded = attacker.report.observed.setdefault("uploaded", [])
                uploaded.append(response.status)
                await attacker.pace(HONEST_INTERVAL_SECONDS)
                return
            await connection.send(_upload(ticket_id, cookie, DECLARED_LENGTH))
            while attacker.is_running:
                try:
                    attacker.count(await connection.receive(PIECE_INTERVAL_SECONDS))
                    break
                except TimeoutError:
                    await connection.send(PIECE)
        await attacker.pace(PIECE_INTERVAL_SECONDS)

    await attacker.repeat(SELLERS, upload_one)


async def _list_tickets(siege: Siege) -> Facts:
    async def list_one() -> tuple[str, str]:
        async with signed_in_user(siege.system.address) as seller:
            return (await seller.sell("Attacked seat", 20))["id"], cookie_of(seller)

    return {"sellers": list(await asyncio.gather(*(list_one() for _ in range(SELLERS))))}


async def _check_uploaded(_siege: Siege, _facts: Facts, report: AttackReport) -> list[str]:
    statuses = report.observed.get("uploaded", [])
    return [] if 200 in statuses else [f"an ordinary file was never accepted: {statuses}"]


ATTACKS: Final = (
    Attack(
        "slow-uploads",
        f"{SELLERS - 1} sellers whose files arrive as slowly as is allowed",
        slow_uploads,
        prepare=_list_tickets,
        check=_check_uploaded,
        max_memory_growth_mib=160,  # four files of 5 MiB with their copies
    ),
)
