"""How long a seller waits for an upload, and a buyer for the reveal and the file."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.client import Connection, quantile
from benchmarks.measure import Meter, Options, Row
from benchmarks.testbed import Testbed
from common.auth.tokens import User
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
METERED: Final = ("tickets", "mongod", "nats")


@dataclass(frozen=True)
class Listing:
    """A ticket, its seller, and its original."""

    ticket: dict[str, Any]
    seller: User
    file: bytes


@dataclass(frozen=True)
class Sale:
    """A ticket that was paid, and its original."""

    ticket_id: str
    cookie: str
    file: bytes


def reveal(testbed: Testbed, options: Options) -> list[Row]:
    """List tickets, upload their originals, sell them, then reveal and read each."""
    testbed.start_all()
    return asyncio.run(_measure(testbed, QUICK_ORIGINALS if options.quick else ORIGINALS))


async def _measure(testbed: Testbed, count: int) -> list[Row]:
    listings = [await _list_ticket(testbed.system.address) for _ in range(count)]
    uploads = await _measure_uploads(testbed, listings)
    sales = [await _sell(testbed.system.address, listing) for listing in listings]
    return [uploads, await _measure_reveals(testbed, sales)]


async def _measure_uploads(testbed: Testbed, listings: Sequence[Listing]) -> Row:
    uploads: list[float] = []
    meter = Meter(testbed, METERED)
    for listing in listings:
        async with signed_in_user(testbed.system.address, listing.seller) as seller:
            started_at = time.perf_counter()
            await seller.upload(listing.ticket, listing.file)
            uploads.append(1000 * (time.perf_counter() - started_at))
    return Row(
        f"a seller's upload through the gateway, read and encrypted, {_size(listings)}",
        f"p50 {quantile(uploads, 0.5):.0f} ms, p99 {quantile(uploads, 0.99):.0f} ms; "
        f"CPU µs with the process that reads the file: {_cpu(meter, len(listings))}",
    )


async def _measure_reveals(testbed: Testbed, sales: Sequence[Sale]) -> Row:
    reveals: list[float] = []
    first_reads: list[float] = []
    reads: list[float] = []
    meter = Meter(testbed, METERED)
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
    return Row(
        f"a paid order's reveal and first download, {_size(sales)}",
        f"p50 {p50:.1f} ms, p99 {quantile(totals, 0.99):.1f} ms; the record "
        f"p50 {1000 * quantile(reveals, 0.5):.1f} ms; a later download "
        f"p50 {1000 * quantile(reads, 0.5):.1f} ms; "
        f"CPU µs of a reveal and {READS_PER_ORIGINAL} downloads: {_cpu(meter, len(sales))}",
        target=f"p50 {MAX_P50_MS:g} ms",
        met=p50 <= MAX_P50_MS,
    )


def _size(items: Sequence[Listing | Sale]) -> str:
    return f"PDFs of {sum(len(item.file) for item in items) / len(items) / 1000:.0f} KB"


def _cpu(meter: Meter, count: int) -> str:
    return ", ".join(f"{name} {cost:.0f}" for name, cost in meter.per(count).items())


async def _list_ticket(address: str) -> Listing:
    user = make_user()
    async with signed_in_user(address, user) as seller:
        return Listing(await seller.sell(), user, make_pdf(new_code(), NOISE_ROWS))


async def _sell(address: str, listing: Listing) -> Sale:
    """Sell a ticket to a new buyer."""
    user = make_user()
    async with signed_in_user(address, user) as buyer:
        order = await buyer.order(listing.ticket)
        await buyer.pay(order)
        path = f"/api/tickets/{listing.ticket['id']}/pass"
        await buyer.poll(path, lambda shown: shown.get("canReveal"))
    return Sale(listing.ticket["id"], f"session={session_cookie(user)}", listing.file)
