"""Tests of the list filtered by show, city, category and days, and of the facets."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from common.testing.client import Client, errors
from common.testing.polling import eventually
from common.values.ids import new_id
from tickets.store import facets

Start = Callable[..., Awaitable[Client]]
FIRST_DAY = datetime.now(UTC).date() + timedelta(days=30)


async def add_ticket(
    tickets: Client, title: str, *, city: str, category: str, day: date, **fields: Any
) -> dict[str, Any]:
    """Add a show, and list a ticket for it."""
    show = {
        "name": f"{title} show",
        "timeZone": "Asia/Tokyo",
        "startsAt": f"{day}T01:00",
        "endsAt": f"{day}T03:00",
        "venue": {"name": "Dome", "city": city, "country": "JP"},
        "category": category,
    }
    created = await tickets.post("/api/tickets/shows", json=show)
    assert created.status_code == 201, created.text
    listing = {"title": title, "price": 20, "showId": created.json()["id"], **fields}
    response = await tickets.post("/api/tickets", json=listing)
    assert response.status_code == 201, response.text
    return response.json()


async def add_three_tickets(tickets: Client) -> dict[str, Any]:
    """Add tickets of two shows and of none, and return the first."""
    tickets.sign_in()
    first = await add_ticket(tickets, "Sumo", city="Tōkyō", category="sport", day=FIRST_DAY)
    next_day = FIRST_DAY + timedelta(days=1)
    await add_ticket(tickets, "Jazz", city="Osaka", category="concert", day=next_day)
    await tickets.post("/api/tickets", json={"title": "Anything", "price": 5})
    return first


async def test_list_is_filtered_by_show_city_category_and_days(tickets: Client) -> None:
    first = await add_three_tickets(tickets)
    found = {
        "": ["Anything", "Jazz", "Sumo"],
        f"showId={first['showId']}": ["Sumo"],
        f"showId={new_id()}": [],
        "city=TOKYO": ["Sumo"],
        "city=osaka&category=sport": [],
        "category=concert": ["Jazz"],
        f"from={FIRST_DAY}&to={FIRST_DAY}": ["Sumo"],
        f"from={FIRST_DAY}": ["Jazz", "Sumo"],
        f"from={FIRST_DAY + timedelta(days=1)}": ["Jazz"],
        f"to={FIRST_DAY}": ["Sumo"],
        f"from={FIRST_DAY}&to={FIRST_DAY - timedelta(days=1)}": [],
        f"from={FIRST_DAY}&sort=price&maxPrice=20&q=dome": ["Jazz", "Sumo"],
        "q=tokyo+sum": ["Sumo"],
        "q=dome": ["Jazz", "Sumo"],
        "q=show": ["Jazz", "Sumo"],
        "q=city": [],
    }

    listed = {
        query: [ticket["title"] for ticket in (await tickets.get(f"/api/tickets?{query}")).json()]
        for query in found
    }

    assert listed == found


async def test_cursor_of_another_filter_is_rejected(tickets: Client) -> None:
    await add_three_tickets(tickets)
    page = await tickets.get(f"/api/tickets?limit=1&from={FIRST_DAY}")
    rest = await tickets.get(page.links["next"]["url"])
    cursor = page.links["next"]["url"].partition("cursor=")[2]
    for other in ("", "category=sport", f"from={FIRST_DAY}&city=osaka", f"to={FIRST_DAY}"):
        response = await tickets.get(f"/api/tickets?{other}&cursor={cursor}")

        assert response.status_code == 400, other
        assert errors(response)[0]["field"] == "cursor"
    assert [ticket["title"] for ticket in rest.json()] == ["Sumo"]


@pytest.mark.parametrize(
    "query",
    ["showId=x", "category=opera", "from=tomorrow", "to=2030-02-30", f"city={'x' * 201}"],
)
async def test_malformed_filter_is_rejected(tickets: Client, query: str) -> None:
    response = await tickets.get(f"/api/tickets?{query}")

    assert response.status_code == 400, response.text
    assert errors(response)[0]["field"] == query.partition("=")[0]


async def test_facets_are_counted_in_the_background(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facets, "INTERVAL_SECONDS", 0.05)
    tickets = await start()
    await add_three_tickets(tickets)

    async def is_counted() -> bool:
        return len((await tickets.get("/api/tickets/facets")).json()["cities"]) == 2

    await eventually(is_counted)

    latest = (await tickets.get("/api/tickets/facets")).json()
    assert latest["cities"] == [
        {"city": "Osaka", "country": "JP", "count": 1},
        {"city": "Tōkyō", "country": "JP", "count": 1},
    ]
    assert latest["dates"][0] == {"date": FIRST_DAY.isoformat(), "count": 1}
    assert {one["category"] for one in latest["categories"]} == {"concert", "sport"}
    assert datetime.fromisoformat(latest["at"]) <= datetime.now(UTC)
