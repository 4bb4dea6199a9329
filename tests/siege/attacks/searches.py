"""Searches that would examine many keys and documents."""

import random
import statistics
import string
import time
from typing import Final
from urllib.parse import quote_plus

from common.testing.polling import eventually
from siege.attack import Attack, Siege
from siege.attacker import Attacker, AttackReport, Facts
from tickets.testing import ticket_document

STORED_TICKETS: Final = 100_000
BATCH_SIZE: Final = 5_000
COUNT_TIMEOUT_SECONDS: Final = 150.0
"""Longer than the interval in which the service counts words."""
ONE_LETTER_WORDS: Final = 27
CONCURRENT_SEARCHES: Final = 12
MAX_MEDIAN_SECONDS: Final = 1.0
TITLES: Final = ("concert", "festival", "concert hall", "opera", "a b c d e f g")


async def _store_tickets(siege: Siege) -> Facts:
    """Insert many tickets, unless an earlier attack did, and wait until their words are counted."""
    database = siege.mongo["tickets"]
    if await database["tickets"].estimated_document_count() < STORED_TICKETS:
        for start in range(0, STORED_TICKETS, BATCH_SIZE):
            await database["tickets"].insert_many(
                ticket_document(f"{TITLES[n % len(TITLES)]} row {n % 50} seat {n}", 2_000 + n)
                for n in range(start, start + BATCH_SIZE)
            )

    async def is_counted() -> bool:
        word = await database["words"].find_one({"_id": "concert"})
        return word is not None and word["n"] > 0

    await eventually(is_counted, COUNT_TIMEOUT_SECONDS)
    return {}


async def _search(attacker: Attacker, queries: list[str]) -> None:
    """Search for these words, each time with other price limits, so that no cache has the page."""
    clients = [attacker.client(number) for number in range(CONCURRENT_SEARCHES)]
    seconds: list[float] = []

    async def search(number: int) -> None:
        words, maximum = random.choice(queries), random.randrange(10_000, 900_000)
        path = f"/api/tickets?q={quote_plus(words)}&maxPrice={maximum}&sort=price"
        started = time.monotonic()
        await clients[number].request("GET", path)
        seconds.append(time.monotonic() - started)

    await attacker.repeat(len(clients), search)
    for client in clients:
        client.close()
    attacker.report.observed["median_seconds"] = statistics.median(seconds) if seconds else None


async def _check_searches(_siege: Siege, _facts: Facts, report: AttackReport) -> list[str]:
    median = report.observed["median_seconds"]
    if median is None or median > MAX_MEDIAN_SECONDS:
        return [f"a search took {'too long' if median is None else f'{median:.1f} s'}"]
    return []


async def one_letter_words(attacker: Attacker) -> None:
    """Search for 27 words of one letter."""
    letters = [random.choices(string.ascii_lowercase, k=ONE_LETTER_WORDS) for _ in range(20)]
    await _search(attacker, [" ".join(words) for words in letters])


async def rare_after_common(attacker: Attacker) -> None:
    """Search for a common word and one that no ticket has."""
    await _search(attacker, ["concert zzzz", "row seat zzzz", "seat concert row hall opera"])


ATTACKS: Final = (
    Attack(
        "one-letter-searches",
        "searches for 27 words of one letter, sorted by price",
        one_letter_words,
        prepare=_store_tickets,
        check=_check_searches,
    ),
    Attack(
        "common-word-searches",
        "searches for a common and an unknown word, sorted by price",
        rare_after_common,
        prepare=_store_tickets,
        check=_check_searches,
    ),
)
