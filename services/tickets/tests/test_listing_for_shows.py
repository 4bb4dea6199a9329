"""Tests of tickets with a show, a seat and a face value, and of the limits of listings."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId
from pymongo import MongoClient

from common.events import (
    OrderCreated,
    OrderedTicket,
    OrderStatus,
    ShowUpdated,
    TicketCreated,
)
from common.testing.client import Client, errors
from common.testing.events import EventProbe
from common.values.clock import utc_now
from common.values.ids import new_id

Start = Callable[..., Awaitable[Client]]
SHOWS = "/api/tickets/shows"
SEAT = {"section": "Block B", "row": "4", "seat": "12"}
LISTING: dict[str, Any] = {"title": "Front row", "price": 60, "seat": SEAT, "faceValue": 50}


def show_body(**fields: Any) -> dict[str, Any]:
    day = (datetime.now(UTC) + timedelta(days=30)).date()
    return {
        "name": "Siegfried",
        "timeZone": "Europe/Berlin",
        "startsAt": f"{day}T17:00",
        "endsAt": f"{day}T22:30",
        "venue": {"name": "Staatsoper", "city": "Berlin", "country": "DE"},
        "category": "theatre",
        **fields,
    }


@pytest.fixture
async def show(tickets: Client) -> dict[str, Any]:
    """A show, whose creator stays signed in."""
    tickets.sign_in()
    return (await tickets.post(SHOWS, json=show_body())).json()


@pytest.fixture
async def ticket(tickets: Client, show: dict[str, Any]) -> dict[str, Any]:
    return (await tickets.post("/api/tickets", json={**LISTING, "showId": show["id"]})).json()


def change_show(environment: dict[str, Any], show_id: str, **fields: Any) -> None:
    """Change a stored show."""
    with MongoClient[dict[str, Any]](environment["mongo_uri"]) as client:
        shows = client.get_default_database()["shows"]
        shows.update_one({"_id": ObjectId(show_id)}, {"$set": fields})


async def test_ticket_has_its_show_seat_and_face_value(
    tickets: Client, show: dict[str, Any], ticket: dict[str, Any], published: EventProbe
) -> None:
    shown = (await tickets.get(f"/api/tickets/{ticket['id']}")).json()

    assert shown == ticket
    assert (shown["showId"], shown["seat"], shown["faceValue"]) == (show["id"], SEAT, 50)
    assert shown["show"]["startsAt"] == show["startsAt"]
    assert shown["show"]["venue"] == show["venue"]
    event = await published.next(TicketCreated)
    assert event.show is not None
    assert event.seat is not None
    assert (event.show.name, event.seat.row, event.face_value) == ("Siegfried", "4", 5000)


async def test_ticket_without_a_show_looks_as_before(
    tickets: Client, published: EventProbe
) -> None:
    tickets.sign_in()

    ticket = (await tickets.post("/api/tickets", json={"title": "x", "price": 1})).json()

    before = {"id", "title", "price", "userId", "status", "orderId", "version", "lateEdit"}
    assert set(ticket) == {*before, "createdAt", "protection"}
    event = await published.next(TicketCreated)
    assert set(event.model_dump()) == before


async def test_old_clients_edit_keeps_show_seat_and_face_value(
    tickets: Client, ticket: dict[str, Any]
) -> None:
    body = {"title": "Front row", "price": 55}

    edited = (await tickets.put(f"/api/tickets/{ticket['id']}", json=body)).json()

    assert edited == {**ticket, "price": 55, "version": 1}


async def test_edit_removes_what_is_null(tickets: Client, ticket: dict[str, Any]) -> None:
    body = {**LISTING, "showId": None, "seat": None, "faceValue": None}

    edited = (await tickets.put(f"/api/tickets/{ticket['id']}", json=body)).json()

    assert not {"showId", "show", "seat", "faceValue"} & set(edited)


async def test_edit_sets_another_show(tickets: Client, ticket: dict[str, Any]) -> None:
    other = (await tickets.post(SHOWS, json=show_body(name="Tosca"))).json()

    edited = await tickets.put(
        f"/api/tickets/{ticket['id']}", json={**LISTING, "showId": other["id"]}
    )

    assert (edited.status_code, edited.json()["show"]["name"]) == (200, "Tosca")


MALFORMED: list[tuple[dict[str, Any], str]] = [
    ({"showId": new_id()}, "showId"),
    ({"showId": "x"}, "showId"),
    ({"seat": {"seat": "x" * 300}}, "seat.seat"),
    ({"seat": {"row": "a\u0000b"}}, "seat.row"),
    ({"seat": {"section": " "}}, "seat.section"),
    ({"seat": {}}, "seat"),
    ({"seat": "12"}, "seat"),
    ({"faceValue": 0}, "faceValue"),
    ({"faceValue": -5}, "faceValue"),
    ({"faceValue": 0.001}, "faceValue"),
    ({"faceValue": "cheap"}, "faceValue"),
]


async def test_malformed_listings_are_rejected_with_their_field(
    tickets: Client, ticket: dict[str, Any]
) -> None:
    path = f"/api/tickets/{ticket['id']}"

    for fields, field in MALFORMED:
        body = {**LISTING, **fields}
        for response in (
            await tickets.post("/api/tickets", json=body),
            await tickets.put(path, json=body),
        ):
            assert response.status_code == 400, body
            assert {error["field"] for error in errors(response)} == {field}
    assert (await tickets.get("/api/tickets/mine")).json() == [ticket]


@pytest.mark.parametrize("state", ["cancelled", "begun"])
async def test_listing_for_a_show_that_will_not_take_place_is_400(
    tickets: Client, show: dict[str, Any], environment: dict[str, Any], state: str
) -> None:
    field = "cancelled_at" if state == "cancelled" else "starts_at"
    change_show(environment, show["id"], **{field: utc_now() - timedelta(seconds=1)})

    response = await tickets.post("/api/tickets", json={**LISTING, "showId": show["id"]})

    assert response.status_code == 400
    assert [error["field"] for error in errors(response)] == ["showId"]
    assert (await tickets.get("/api/tickets/mine")).json() == []


async def test_first_order_of_a_ticket_closes_its_show(
    tickets: Client, show: dict[str, Any], ticket: dict[str, Any], published: EventProbe
) -> None:
    order = OrderCreated(
        id=new_id(),
        version=0,
        status=OrderStatus.CREATED,
        user_id=new_id(),
        expires_at=datetime(2030, 1, 1, tzinfo=UTC),
        ticket=OrderedTicket(id=ticket["id"], title="Front row", price=6000, hold=1),
    )

    await published.publish(order, aggregate_id=order.id)
    await published.wait_until_handled("tickets-orders")
    response = await tickets.put(f"{SHOWS}/{show['id']}", json=show_body(name="Tosca"))

    assert response.status_code == 400
    event = await published.next(ShowUpdated)
    assert (event.version, event.name) == (1, "Siegfried")
    shown = (await tickets.get(f"/api/tickets/{ticket['id']}")).json()
    assert (shown["version"], shown["show"]) == (1, ticket["show"])


async def test_price_above_the_cap_is_400_with_its_field(start: Start) -> None:
    tickets = await start(price_cap_percent=120)
    tickets.sign_in()

    accepted = await tickets.post("/api/tickets", json=LISTING)
    too_dear = await tickets.post("/api/tickets", json={**LISTING, "price": 60.01})
    without = await tickets.post("/api/tickets", json={"title": "x", "price": 1})
    path = f"/api/tickets/{accepted.json()['id']}"
    edited = await tickets.put(path, json={"title": "x", "price": 61})

    assert accepted.status_code == 201
    assert errors(too_dear) == [
        {
            "message": "The price may be at most 60.00, which is 120 % of the face value",
            "field": "price",
        }
    ]
    assert [error["field"] for error in errors(without)] == ["faceValue"]
    assert [error["field"] for error in errors(edited)] == ["price"]
    assert [t["price"] for t in (await tickets.get("/api/tickets/mine")).json()] == [60]


async def test_listings_beyond_the_limit_of_a_day_are_429(start: Start) -> None:
    tickets = await start(listings_per_day=2)
    tickets.sign_in()

    responses = [await tickets.post("/api/tickets", json=LISTING) for _ in range(3)]

    assert [response.status_code for response in responses] == [201, 201, 429]
    assert errors(responses[2]) == [{"message": "You can list at most 2 tickets per day"}]
    assert 0 < int(responses[2].headers["retry-after"]) <= 86_400
    assert len((await tickets.get("/api/tickets/mine")).json()) == 2


async def test_concurrent_listings_at_two_replicas_share_one_limit(start: Start) -> None:
    replicas = [await start(listings_per_day=5) for _ in range(2)]
    seller = replicas[0].sign_in()
    replicas[1].sign_in(seller)

    responses = await asyncio.gather(
        *(replica.post("/api/tickets", json=LISTING) for _ in range(6) for replica in replicas)
    )

    assert sorted(response.status_code for response in responses) == [201] * 5 + [429] * 7
    assert len((await replicas[0].get("/api/tickets/mine")).json()) == 5


async def test_edit_and_anothers_listing_at_once_agree_on_the_facts(start: Start) -> None:
    creator, seller = [await start() for _ in range(2)]
    creator.sign_in()
    seller.sign_in()

    for number in range(8):
        show = (await creator.post(SHOWS, json=show_body(name=f"Show {number}"))).json()
        edited, listed = await asyncio.gather(
            creator.put(f"{SHOWS}/{show['id']}", json=show_body(name=f"Edited {number}")),
            seller.post("/api/tickets", json={**LISTING, "showId": show["id"]}),
        )

        assert edited.status_code in {200, 400}
        name = f"{'Edited' if edited.status_code == 200 else 'Show'} {number}"
        assert (listed.status_code, listed.json()["show"]["name"]) == (201, name)


async def test_rejected_listing_leaves_anothers_show_open(start: Start) -> None:
    tickets = await start(listings_per_day=1)
    creator = tickets.sign_in()
    show = (await tickets.post(SHOWS, json=show_body())).json()
    tickets.sign_in()
    own = (await tickets.post("/api/tickets", json=LISTING)).json()
    listing = {**LISTING, "showId": show["id"]}
    path = f"/api/tickets/{own['id']}"

    rejected = [
        await tickets.post("/api/tickets", json=listing),
        await tickets.put(path, json=listing),
        await tickets.put(path, json=listing, headers={"If-Match": '"7"'}),
    ]
    tickets.sign_in(creator)
    edited = await tickets.put(f"{SHOWS}/{show['id']}", json=show_body(name="Parsifal"))

    assert [response.status_code for response in rejected] == [429, 429, 412]
    assert edited.status_code == 200
