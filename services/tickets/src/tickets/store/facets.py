"""The facets: in which cities, on which dates and of which kinds there are tickets.

They are counted in the background by one replica at a time, stored as one document, and served with
the time at which they were counted. No counter is written with a sale.
"""

import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import pymongo

from common.events import TicketStatus
from common.persistence.lease import Lease
from common.persistence.mongo import Collection, Doc
from common.values.clock import Clock
from tickets.search_terms import fold_name
from tickets.store.vocabulary import WORDS_NEWEST
from tickets.ticket_terms import dates_from

INTERVAL_SECONDS: Final = 10.0
LEASE_TTL: Final = timedelta(seconds=1.5 * INTERVAL_SECONDS)
MAX_SHARE_OF_TIME: Final = 0.02
"""Among very many tickets the facets are counted less often, not with more work."""
COUNT_TIMEOUT_SECONDS: Final = 30.0
MAX_CITIES: Final = 200
_LATEST: Final = "latest"


class Facets:
    """Counts the available tickets by city, date and category."""

    def __init__(self, tickets: Collection, clock: Clock) -> None:
        self._tickets = tickets
        self._facets = tickets.database["facets"]
        self._lease = Lease(tickets.database, "facets", LEASE_TTL, clock)
        self._clock = clock
        self._due_at = 0.0

    async def latest(self) -> Mapping[str, Any]:
        """Return the facets of the last count."""
        empty: Doc = {"cities": [], "dates": [], "categories": [], "at": None}
        return await self._facets.find_one({"_id": _LATEST}) or empty

    async def run(self) -> None:
        """Count if it is due, and this replica has the lease."""
        if not await self._lease.acquire_or_renew() or time.monotonic() < self._due_at:
            return
        started_at = time.monotonic()
        try:
            await self.count()
        finally:
            took = time.monotonic() - started_at
            self._due_at = started_at + took / MAX_SHARE_OF_TIME

    async def count(self) -> None:
        """Count the available tickets of each show, and store the sums."""
        now = self._clock()
        sums = _Sums()
        with pymongo.timeout(COUNT_TIMEOUT_SECONDS):
            shows = await self._tickets.aggregate(
                [
                    {
                        "$match": {
                            "status": TicketStatus.AVAILABLE,
                            "words": dates_from(now.astimezone(UTC).date()),
                            "show.starts_at": {"$gt": now},
                        }
                    },
                    {"$group": {"_id": "$show.id", "show": {"$first": "$show"}, "n": {"$sum": 1}}},
                ],
                hint=WORDS_NEWEST,
            )
            async for doc in shows:
                sums.add(doc["show"], doc["n"])
        await self._facets.replace_one({"_id": _LATEST}, sums.document(now), upsert=True)


class _Sums:
    """The counts, added up show by show."""

    def __init__(self) -> None:
        self._cities = Counter[tuple[str, str]]()
        self._spellings: dict[tuple[str, str], Counter[str]] = {}
        self._dates = Counter[str]()
        self._categories = Counter[str]()

    def add(self, show: Doc, count: int) -> None:
        """Add the tickets of a show."""
        venue = show["venue"]
        key = fold_name(venue["city"]), venue["country"]
        starts_at: datetime = show["starts_at"]
        self._cities[key] += count
        self._spellings.setdefault(key, Counter())[venue["city"]] += count
        self._dates[starts_at.astimezone(ZoneInfo(show["time_zone"])).date().isoformat()] += count
        self._categories[show["category"]] += count

    def document(self, now: datetime) -> Doc:
        """Return the facets: cities and categories by their count, and dates in order."""
        return {
            "cities": [
                {"city": self._spellings[key].most_common(1)[0][0], "country": key[1], "count": n}
                for key, n in _ordered(self._cities)[:MAX_CITIES]
            ],
            "dates": [{"date": date, "count": n} for date, n in sorted(self._dates.items())],
            "categories": [
                {"category": name, "count": n} for name, n in _ordered(self._categories)
            ],
            "at": now,
        }


def _ordered(counts: Counter[Any]) -> list[tuple[Any, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
