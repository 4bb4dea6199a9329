"""How long a buyer waits for the original: for the record of the reveal, and for the file."""

import asyncio
from dataclasses import dataclass
from typing import Final

from benchmarks.client import Connection, quantile
from benchmarks.measure import Meter, Options, Row
from benchmarks.testbed import Testbed
from common.testing.client import make_user, session_cookie
from support.api_user import signed_in_user
from support.original_files import make_pdf, new_code
from ticketing_local.errors import CliError

ORIGINALS, QUICK_ORIGINALS = 60, 4
READS_PER_ORIGINAL: Final = 5
NOISE_ROWS: Final = 290
"""Rows of noise in each file, which make it about 200 KB long."""
MAX_P50_MS: Final = 15.0
OK: Final = 200


@dataclass(frozen=True)
class Sale:
    """A ticket that was paid, and its original."""

    ticket_id: str
    cookie: str
    file: bytes


def reveal(testbed: Testbed, options: Options) -> list[Row]:
    """Sell tickets with their originals, then reveal and read each."""
    testbed.start_all()
    return [asyncio.run(_measure(testbed, QUICK_ORIGINALS if options.quick else ORIGINALS))]


async def _measure(testbed: Testbed, count: int) -> Row:
    sales = [await _sell(testbed.system.address) for _ in range(count)]
    reveals: list[float] = []
    first_reads: list[float] = []
    reads: list[float] = []
    meter = Meter(testbed, ["tickets", "mongod", "nats"])
    async with Connection.open(testbed.port["tickets"]) as connection:
        for sale in sales:
            path = f"/api/tickets/{sale.ticket_id}/pass"
            revealed = await connection.send("POST", f"{path}/reveal", {}, sale.cookie)
            reveals.append(revealed.seconds)
            for n in range(READS_PER_ORIGINAL):
                response = await connection.send("GET", f"{path}/file", cookie=sale.cookie)
                if response.status != OK or response.body != sale.file:
                    raise CliError(f"cannot read an original: status {response.status}")
                (reads if n else first_reads).append(response.seconds)
    totals = [1000 * sum(pair) for pair in zip(reveals, first_reads, strict=True)]
    p50 = quantile(totals, 0.5)
    cpu = ", ".join(f"{name} {cost:.0f}" for name, cost in meter.per(count).items())
    size = sum(len(sale.file) for sale in sales) / count / 1000
    return Row(
        f"a paid order's reveal and first download, PDFs of {size:.0f} KB",
        f"p50 {p50:.1f} ms, p99 {quantile(totals, 0.99):.1f} ms; the record "
        f"p50 {1000 * quantile(reveals, 0.5):.1f} ms; a later download "
        f"p50 {1000 * quantile(reads, 0.5):.1f} ms; "
        f"CPU µs of a reveal and {READS_PER_ORIGINAL} downloads: {cpu}",
        target=f"p50 {MAX_P50_MS:g} ms",
        met=p50 <= MAX_P50_MS,
    )


async def _sell(address: str) -> Sale:
    """Sell a ticket with an original, by a new seller to a new buyer."""
    file = make_pdf(new_code(), NOISE_ROWS)
    user = make_user()
    async with signed_in_user(address) as seller, signed_in_user(address, user) as buyer:
        ticket = await seller.sell()
        await seller.upload(ticket, file)
        order = await buyer.order(ticket)
        await buyer.pay(order)
        await buyer.poll(f"/api/tickets/{ticket['id']}/pass", lambda shown: shown.get("canReveal"))
    return Sale(ticket["id"], f"session={session_cookie(user)}", file)
