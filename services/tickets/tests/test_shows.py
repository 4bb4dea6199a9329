"""Tests of the routes of shows, with every status they can return."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from common.events import ShowCreated, ShowUpdated, TicketUpdated
from common.testing.client import Client, errors
from common.testing.events import EventProbe
from common.values.ids import new_id

Start = Callable[..., Awaitable[Client]]
SHOWS = "/api/tickets/shows"


def day(ahead: int) -> str:
    """Return a date so many days ahead."""
    return (datetime.now(UTC) + timedelta(days=ahead)).date().isoformat()


def show_body(ahead: int = 30, **fields: Any) -> dict[str, Any]:
    return {
        "name": "Die Walküre",
        "timeZone": "Europe/Berlin",
        "startsAt": f"{day(ahead)}T17:00",
        "endsAt": f"{day(ahead)}T22:30",
        "venue": {"name": "Staatsoper", "city": "Berlin", "country": "DE"},
        "category": "theatre",
        **fields,
    }


async def add_show(tickets: Client, ahead: int = 30, **fields: Any) -> dict[str, Any]:
    response = await tickets.post(SHOWS, json=show_body(ahead, **fields))
    assert response.status_code == 201, response.text
    return response.json()


async def list_names(tickets: Client, query: str = "") -> list[str]:
    response = await tickets.get(f"{SHOWS}{query}")
    assert response.status_code == 200, response.text
    return [show["name"] for show in response.json()]


async def test_create_returns_201_with_the_show_in_utc(tickets: Client) -> None:
    creator = tickets.sign_in()

    response = await tickets.post(SHOWS, json=show_body(timeZone="Asia/Tokyo"))

    show = response.json()
    assert response.status_code == 201
    assert response.headers["etag"] == '"0"'
    assert (show["startsAt"], show["endsAt"]) == (f"{day(30)}T08:00:00Z", f"{day(30)}T13:30:00Z")
    assert (show["userId"], show["version"], show["timeZone"]) == (creator.id, 0, "Asia/Tokyo")
    assert show["venue"] == {"name": "Staatsoper", "city": "Berlin", "country": "DE"}
    assert "cancelledAt" not in show
    assert (await tickets.get(f"{SHOWS}/{show['id']}")).json() == show


async def test_create_publishes_the_show(tickets: Client, published: EventProbe) -> None:
    tickets.sign_in()

    show = await add_show(tickets)

    event = await published.next(ShowCreated)
    assert (event.id, event.name, event.venue.country) == (show["id"], "Die Walküre", "DE")


async def test_create_without_a_session_is_401(tickets: Client) -> None:
    assert (await tickets.post(SHOWS, content=b"{")).status_code == 401


async def test_identical_show_is_returned_with_200(tickets: Client) -> None:
    tickets.sign_in()
    show = await add_show(tickets)
    tickets.sign_in()
    venue = {"name": "STAATSOPER", "city": "berlin", "country": "de"}

    again = await tickets.post(SHOWS, json=show_body(name="die walkure", venue=venue))

    assert (again.status_code, again.json()) == (200, show)


async def test_concurrent_identical_shows_are_one(tickets: Client) -> None:
    tickets.sign_in()

    responses = await asyncio.gather(*(tickets.post(SHOWS, json=show_body()) for _ in range(5)))

    assert sorted(response.status_code for response in responses) == [200, 200, 200, 200, 201]
    assert len({response.json()["id"] for response in responses}) == 1


async def test_show_at_another_time_of_the_day_asks_whether_it_is_another(tickets: Client) -> None:
    tickets.sign_in()
    show = await add_show(tickets)
    matinee = show_body(startsAt=f"{day(30)}T11:00")

    response = await tickets.post(SHOWS, json=matinee)
    confirmed = await tickets.post(SHOWS, json={**matinee, "another": True})

    assert response.status_code == 409
    assert errors(response) == [
        {
            "message": "There is a show of this name and place on that day at 17:00",
            "field": "startsAt",
            "showId": show["id"],
        }
    ]
    assert confirmed.status_code == 201


MALFORMED: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "name"),
    ({"name": "x" * 201}, "name"),
    ({"name": "Die\u0007Walküre"}, "name"),
    ({"name": None}, "name"),
    ({"startsAt": f"{day(30)}T23:00"}, "endsAt"),
    ({"endsAt": f"{day(30)}T17:00"}, "endsAt"),
    ({"endsAt": f"{day(62)}T17:00"}, "endsAt"),
    ({"startsAt": f"{day(-1)}T17:00"}, "startsAt"),
    ({"startsAt": f"{day(1_100)}T17:00", "endsAt": f"{day(1_100)}T18:00"}, "startsAt"),
    ({"startsAt": "soon"}, "startsAt"),
    ({"startsAt": 1_900_000_000}, "startsAt"),
    ({"startsAt": f"{day(30)}T17:00-08:00"}, "startsAt"),
    ({"startsAt": "2027-03-28T02:30"}, "startsAt"),
    ({"startsAt": "2027-10-31T02:30"}, "startsAt"),
    ({"timeZone": "Europe/Atlantis"}, "timeZone"),
    ({"timeZone": "Factory"}, "timeZone"),
    ({"timeZone": "../etc/passwd"}, "timeZone"),
    ({"timeZone": None}, "timeZone"),
    ({"venue": None}, "venue"),
    ({"venue": {"name": "Staatsoper", "country": "DE"}}, "venue.city"),
    ({"venue": {"name": "a\u0000b", "city": "Berlin", "country": "DE"}}, "venue.name"),
    ({"venue": {"name": "Staatsoper", "city": "\u200b", "country": "DE"}}, "venue.city"),
    ({"venue": {"name": "Staatsoper", "city": "B", "country": "XX"}}, "venue.country"),
    ({"venue": {"name": "Staatsoper", "city": "B", "country": "Germany"}}, "venue.country"),
    ({"venue": {"name": "Staatsoper", "city": "B", "country": "\ufb01"}}, "venue.country"),
    ({"category": "opera"}, "category"),
    ({"another": "perhaps"}, "another"),
]


async def test_malformed_shows_are_rejected_with_their_field(
    tickets: Client, published: EventProbe
) -> None:
    tickets.sign_in()

    responses = [await tickets.post(SHOWS, json=show_body(**fields)) for fields, _ in MALFORMED]

    assert {response.status_code for response in responses} == {400}
    found = [{error["field"] for error in errors(response)} for response in responses]
    assert found == [{field} for _, field in MALFORMED]
    assert await list_names(tickets) == []
    assert await published.all(ShowCreated) == []


async def test_shows_beyond_the_limit_of_a_day_are_rejected(start: Start) -> None:
    tickets = await start(shows_per_day=2)
    tickets.sign_in()
    responses = [
        await tickets.post(SHOWS, json=show_body(name=f"Show {number}")) for number in range(4)
    ]
    repeated = await tickets.post(SHOWS, json=show_body(name="Show 1"))
    tickets.sign_in()
    of_another = await tickets.post(SHOWS, json=show_body(name="Show 5"))

    assert [response.status_code for response in responses] == [201, 201, 429, 429]
    assert errors(responses[2]) == [{"message": "You can add at most 2 shows per day"}]
    assert 0 < int(responses[2].headers["retry-after"]) <= 86_400
    assert (repeated.status_code, of_another.status_code) == (200, 201)
    assert sorted(await list_names(tickets)) == ["Show 0", "Show 1", "Show 5"]


async def test_list_has_upcoming_shows_by_their_start(tickets: Client) -> None:
    tickets.sign_in()
    for ahead in (40, 20, 30):
        await add_show(tickets, ahead, name=f"in {ahead} days")

    assert await list_names(tickets) == ["in 20 days", "in 30 days", "in 40 days"]


FILTERED = {
    "?q=walk": ["Die Walküre"],
    "?q=WALKURE+die": ["Die Walküre"],
    "?q=staatsop+berl": ["Die Walküre"],
    "?q=walkure+paris": [],
    "?q=di": [],
    "?q=die": ["Die Walküre"],
    "?city=munchen": ["Jazz"],
    "?city=Mün": [],
    "?category=concert": ["Jazz"],
    f"?from={day(31)}": ["Jazz"],
    f"?to={day(30)}": ["Die Walküre"],
    f"?from={day(30)}&to={day(32)}": ["Die Walküre", "Jazz"],
    "?from=0001-01-01&to=9999-12-31": ["Die Walküre", "Jazz"],
    "?q=jazz&city=berlin": [],
}


async def test_list_is_filtered(tickets: Client) -> None:
    tickets.sign_in()
    await add_show(tickets)
    venue = {"name": "Unterfahrt", "city": "München", "country": "DE"}
    await add_show(tickets, 32, name="Jazz", venue=venue, category="concert")

    assert {query: await list_names(tickets, query) for query in FILTERED} == FILTERED


async def test_malformed_list_queries_are_400_with_their_field(tickets: Client) -> None:
    for field, value in (("category", "opera"), ("from", "soon"), ("limit", "0"), ("cursor", "x")):
        response = await tickets.get(f"{SHOWS}?{field}={value}")

        assert response.status_code == 400
        assert [error["field"] for error in errors(response)] == [field]


async def test_list_continues_at_the_cursor(tickets: Client) -> None:
    tickets.sign_in()
    for number in range(5):  # three of them begin at the same time
        await add_show(tickets, 30 + number // 3, name=f"Jazz {number}")
    names: list[str] = []
    path = f"{SHOWS}?limit=2&q=jazz"

    while path:
        page = await tickets.get(path)
        names += [show["name"] for show in page.json()]
        path = page.links.get("next", {}).get("url", "")

    assert names == [f"Jazz {number}" for number in range(5)]


async def test_cursor_of_another_filter_is_400(tickets: Client) -> None:
    tickets.sign_in()
    for number in range(2):
        await add_show(tickets, name=f"Jazz {number}")
    page = await tickets.get(f"{SHOWS}?limit=1&q=jazz")

    response = await tickets.get(page.links["next"]["url"].replace("q=jazz", "q=opera"))

    assert response.status_code == 400
    assert errors(response) == [{"message": "Invalid cursor", "field": "cursor"}]


async def test_unknown_show_is_404(tickets: Client) -> None:
    tickets.sign_in()

    for show_id in (new_id(), "x"):
        assert (await tickets.get(f"{SHOWS}/{show_id}")).status_code == 404
        assert (await tickets.put(f"{SHOWS}/{show_id}", json=show_body())).status_code == 404


async def test_edit_changes_the_show_and_its_tickets(
    tickets: Client, published: EventProbe
) -> None:
    tickets.sign_in()
    show = await add_show(tickets)
    ticket = {"title": "Front row", "price": 20, "showId": show["id"]}
    created = (await tickets.post("/api/tickets", json=ticket)).json()

    edited = await tickets.put(f"{SHOWS}/{show['id']}", json=show_body(31, name="Siegfried"))

    assert edited.status_code == 200
    assert (edited.json()["name"], edited.json()["version"]) == ("Siegfried", 1)
    updated = (await tickets.get(f"/api/tickets/{created['id']}")).json()
    assert (updated["version"], updated["show"]["name"]) == (1, "Siegfried")
    assert updated["show"]["startsAt"] == edited.json()["startsAt"]
    assert (await published.next(ShowUpdated)).name == "Siegfried"
    event = await published.next(TicketUpdated)
    assert event.show is not None
    assert (event.show.name, event.show.version) == ("Siegfried", 1)


async def test_edit_with_the_times_of_a_response_changes_nothing(tickets: Client) -> None:
    tickets.sign_in()
    show = await add_show(tickets)

    edited = await tickets.put(f"{SHOWS}/{show['id']}", json=show)

    assert (edited.status_code, edited.json()) == (200, show)


async def test_edits_beyond_the_limit_of_a_day_are_429(start: Start) -> None:
    tickets = await start(shows_per_day=2)
    tickets.sign_in()
    show = await add_show(tickets)
    path = f"{SHOWS}/{show['id']}"

    edits = [tickets.put(path, json=show_body(name=f"Act {act}")) for act in "abcdef"]
    statuses = [response.status_code for response in await asyncio.gather(*edits)]
    unchanged = await tickets.put(path, json=(await tickets.get(path)).json())

    assert sorted(statuses) == [200, 200, 429, 429, 429, 429]
    assert unchanged.status_code == 200
    assert unchanged.json()["version"] == 2


async def test_edit_of_anothers_show_is_401(tickets: Client) -> None:
    tickets.sign_in()
    show = await add_show(tickets)
    tickets.sign_in()

    response = await tickets.put(f"{SHOWS}/{show['id']}", json=show_body(name="Siegfried"))

    assert response.status_code == 401
    assert await list_names(tickets) == ["Die Walküre"]


async def test_edit_after_anothers_listing_is_400(tickets: Client) -> None:
    creator = tickets.sign_in()
    show = await add_show(tickets)
    tickets.sign_in()
    ticket = {"title": "Front row", "price": 20, "showId": show["id"]}
    assert (await tickets.post("/api/tickets", json=ticket)).status_code == 201
    tickets.sign_in(creator)

    response = await tickets.put(f"{SHOWS}/{show['id']}", json=show_body(name="Siegfried"))

    assert response.status_code == 400
    assert await list_names(tickets) == ["Die Walküre"]


async def test_edit_into_an_identical_show_is_409(tickets: Client) -> None:
    tickets.sign_in()
    show = await add_show(tickets)
    await add_show(tickets, name="Siegfried")

    response = await tickets.put(f"{SHOWS}/{show['id']}", json=show_body(name="Siegfried"))

    assert response.status_code == 409
    assert [error["field"] for error in errors(response)] == ["name"]
