"""Tests of the originals of tickets as their buyers get them."""

import asyncio
from typing import Any

import pytest

from common.events import VaultUpdated
from common.testing.client import errors
from tickets.sample_files import ticket_png
from tickets.ticket_files import Code, TicketFileReader
from tickets.vault_testing import Market

CODE = b"4000-1234-5678"
PARTS = ("", "/file", "/qr.svg")


def database(market: Market) -> Any:
    return market.client.app.state.service.running.database


async def entry_doc(market: Market) -> dict[str, Any]:
    doc = await database(market)["vault"].find_one({}, {"outbox": 0})
    assert doc is not None
    return doc


async def test_buyer_reveals_and_reads_the_file_and_its_code(market: Market) -> None:
    ticket_id = await market.list_protected(CODE)
    await market.sell(ticket_id)
    market.clock.advance(minutes=5)

    before = await market.get_pass(ticket_id, market.buyer)
    revealed = await market.reveal(ticket_id, market.buyer)
    file = await market.get_pass(ticket_id, market.buyer, "/file")
    code = await market.get_pass(ticket_id, market.buyer, "/qr.svg?code=0")

    assert (before.json()["state"], before.json()["canReveal"], before.json()["canRead"]) == (
        "sealed",
        True,
        False,
    )
    assert revealed.status_code == 200
    assert revealed.json() == {
        "ticketId": ticket_id,
        "state": "revealed",
        "grade": "vault",
        "symbologies": ["qr"],
        "pages": 1,
        "mediaType": "image/png",
        "size": len(ticket_png(CODE)),
        "uploadedAt": "2030-01-01T12:00:00Z",
        "revealedAt": "2030-01-01T12:05:00Z",
        "listedAgainAs": None,
        "fromOrderId": None,
        "canReveal": False,
        "canRead": True,
    }
    assert file.content == ticket_png(CODE)
    assert code.content.startswith(b"<svg ")


async def test_files_are_attachments_that_nothing_keeps(market: Market) -> None:
    ticket_id = await market.list_protected(CODE)
    await market.sell(ticket_id)
    await market.reveal(ticket_id, market.buyer)

    for part, media_type in (("/file", "image/png"), ("/qr.svg", "image/svg+xml")):
        response = await market.get_pass(ticket_id, market.buyer, part)

        assert response.status_code == 200
        assert response.headers["content-type"] == media_type
        assert response.headers["content-disposition"].startswith("attachment; filename=")
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert "etag" not in response.headers


async def test_repeated_reveal_gives_the_same_bytes_and_records_nothing_more(
    market: Market,
) -> None:
    ticket_id = await market.list_protected(CODE)
    await market.sell(ticket_id)
    first = await market.reveal(ticket_id, market.buyer)
    before = await entry_doc(market)
    market.clock.advance(hours=1)

    again = await market.reveal(ticket_id, market.buyer)
    file = await market.get_pass(ticket_id, market.buyer, "/file")

    assert again.json() == first.json()
    assert await entry_doc(market) == before
    assert file.content == ticket_png(CODE)
    record = before["reveal"]
    assert (record["user_id"], record["ticket_id"]) == (market.buyer.id, ticket_id)
    assert before["history"][-1]["by"] == f"user {market.buyer.id}"
    assert (await market.published.next(VaultUpdated, count=2)).revealed_at is not None


async def test_file_before_its_reveal_is_409(market: Market) -> None:
    ticket_id = await market.list_protected(CODE)
    await market.sell(ticket_id)

    for part in ("/file", "/qr.svg"):
        response = await market.get_pass(ticket_id, market.buyer, part)

        assert response.status_code == 409
        assert errors(response) == [{"message": "The ticket was not revealed to you"}]


@pytest.mark.parametrize("moment", ["listed", "reserved", "sold", "revealed"])
async def test_seller_second_buyer_and_stranger_are_refused_at_every_moment(
    market: Market, moment: str
) -> None:
    ticket_id = await market.list_protected(CODE)
    if moment != "listed":
        order = await market.order(ticket_id)
        if moment != "reserved":
            await market.pay(order)
        if moment == "revealed":
            await market.reveal(ticket_id, market.buyer)

    for user in (market.seller, market.second_buyer, market.stranger):
        assert (await market.reveal(ticket_id, user)).status_code == 401
        for part in ("/file", "/qr.svg"):
            assert (await market.get_pass(ticket_id, user, part)).status_code == 401
        state = await market.get_pass(ticket_id, user)
        assert state.status_code == (200 if user == market.seller else 401)
    doc = await entry_doc(market)
    assert doc["state"] == ("revealed" if moment == "revealed" else "sealed")


async def test_buyer_of_an_unpaid_order_is_refused(market: Market) -> None:
    ticket_id = await market.list_protected(CODE)
    await market.order(ticket_id, market.buyer)

    assert (await market.reveal(ticket_id, market.buyer)).status_code == 401


async def test_pass_without_session_is_401(market: Market) -> None:
    ticket_id = await market.list_protected(CODE)
    market.client.sign_out()

    for part in PARTS:
        response = await market.client.get(f"/api/tickets/{ticket_id}/pass{part}")
        assert response.status_code == 401


async def test_pass_of_a_described_ticket_is_404(market: Market) -> None:
    ticket_id = await market.list_ticket()

    response = await market.get_pass(ticket_id, market.seller)

    assert response.status_code == 404


async def test_code_that_the_file_does_not_have_is_404(market: Market) -> None:
    ticket_id = await market.list_protected(CODE)
    await market.sell(ticket_id)
    await market.reveal(ticket_id, market.buyer)

    assert (await market.get_pass(ticket_id, market.buyer, "/qr.svg?code=1")).status_code == 404
    assert (await market.get_pass(ticket_id, market.buyer, "/qr.svg?code=-1")).status_code == 400


async def test_codes_of_a_buyer_are_drawn_one_at_a_time(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket_id = await market.list_protected(CODE)
    await market.sell(ticket_id)
    await market.reveal(ticket_id, market.buyer)
    drawing: list[int] = []

    async def draw(*_: object) -> bytes:
        drawing.append(1)
        at_a_time = len(drawing)
        await asyncio.sleep(0.05)  # as long as a process would take, so that the others arrive
        drawing.pop()
        return b"<svg>%d</svg>" % at_a_time

    monkeypatch.setattr(TicketFileReader, "draw", draw)
    responses = await asyncio.gather(
        *(market.get_pass(ticket_id, market.buyer, "/qr.svg") for _ in range(5))
    )

    assert [response.text for response in responses] == ["<svg>1</svg>"] * 5


async def test_code_of_the_ticket_comes_before_a_link(market: Market) -> None:
    ticket_id = await market.list_ticket()
    await market.upload(ticket_id, b"https://example.com/app", CODE)
    await market.sell(ticket_id)
    await market.reveal(ticket_id, market.buyer)

    drawn = await market.get_pass(ticket_id, market.buyer, "/qr.svg")

    assert drawn.content == await TicketFileReader().draw(Code("qr", CODE))


async def test_no_response_is_stored_for_an_idempotency_key(market: Market) -> None:
    ticket_id = await market.list_protected(CODE)
    await market.sell(ticket_id)
    market.client.headers["Idempotency-Key"] = "key"

    await market.reveal(ticket_id, market.buyer)
    await market.get_pass(ticket_id, market.buyer, "/file")

    assert await database(market)["idempotency"].count_documents({}) == 0
