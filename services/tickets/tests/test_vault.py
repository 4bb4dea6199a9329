"""Tests of uploads into the vault, and of what becomes of entries that no ticket uses."""

from typing import Any

import pytest
from bson import ObjectId

from common.auth.tokens import User
from common.events import TicketUpdated, VaultCreated, VaultState, VaultUpdated
from common.testing.client import errors
from common.testing.polling import eventually
from tickets import vault_sweeper
from tickets.sample_files import ticket_pdf, ticket_png
from tickets.vault_sweeper import VaultSweeper
from tickets.vault_testing import Market

CODE, OTHER_CODE = b"4000-1234-5678", b"4000-8765-4321"
LINK = b"https://example.com/app"
LISTED_ALREADY = [{"message": "This ticket is listed already", "field": "file"}]
LISTED_BY_YOU = [{"message": "You have listed this ticket already", "field": "file"}]


def database(market: Market) -> Any:
    return market.client.app.state.service.running.database


async def entry_docs(market: Market) -> list[dict[str, Any]]:
    return await database(market)["vault"].find({}, {"outbox": 0}).sort("_id").to_list()


async def sweep(market: Market) -> None:
    sweeper: VaultSweeper = market.client.app.state.service.vault.sweeper
    await sweeper.run()


async def test_uploaded_file_protects_its_ticket(market: Market) -> None:
    ticket_id = await market.list_ticket()

    response = await market.upload(ticket_id, CODE)

    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    assert response.json()["protection"] == {
        "grade": "vault",
        "symbologies": ["qr"],
        "revealed": False,
    }
    assert await market.ticket(ticket_id) == response.json()
    event = await market.published.next(TicketUpdated)
    (doc,) = await entry_docs(market)
    assert event.protection is not None
    assert event.protection.digest == doc["digest"]
    created = await market.published.next(VaultCreated)
    attached = await market.published.next(VaultUpdated)
    assert (created.version, attached.version) == (0, 1)
    assert (created.ticket_id, created.digest) == (ticket_id, doc["digest"])


async def test_ticket_without_file_is_described(market: Market) -> None:
    ticket_id = await market.list_ticket()

    assert (await market.ticket(ticket_id))["protection"] == {
        "grade": "described",
        "symbologies": [],
        "revealed": False,
    }


async def test_no_document_event_or_audit_log_has_the_code_or_the_file(market: Market) -> None:
    ticket_id = await market.list_protected(CODE)
    await market.sell(ticket_id)
    await market.reveal(ticket_id, market.buyer)
    file = ticket_png(CODE)

    names = await database(market).list_collection_names()
    stored = [doc for name in names for doc in await database(market)[name].find({}).to_list()]
    events = [
        event.model_dump_json()
        for kind in (TicketUpdated, VaultCreated, VaultUpdated)
        for event in await market.published.all(kind)
    ]

    (entry,) = await entry_docs(market)
    (fingerprint,) = entry["fingerprints"]
    without_state = [{**doc, "fingerprints": None, "sealed": None} for doc in stored]
    assert CODE.decode() not in repr(stored) + repr(events)
    assert not any(file[i : i + 20] in doc["sealed"]["file"] for doc in [entry] for i in (0, 100))
    assert fingerprint not in repr(without_state) + repr(events)
    assert market.buyer.id not in "".join(events)


async def test_same_file_again_changes_nothing(market: Market) -> None:
    ticket_id = await market.list_protected(CODE)
    before = await entry_docs(market)

    again = await market.upload(ticket_id, CODE)

    assert (again.status_code, again.json()["version"]) == (200, 1)
    assert await entry_docs(market) == before


@pytest.mark.parametrize("name", ["seller", "stranger"])
async def test_code_that_is_listed_is_409_without_saying_whose(market: Market, name: str) -> None:
    await market.list_protected(CODE)
    user: User = getattr(market, name)
    second = await market.list_ticket(user)

    response = await market.upload(second, CODE, user=user)
    with_others = await market.upload(second, OTHER_CODE, CODE, user=user)

    assert (response.status_code, with_others.status_code) == (409, 409)
    expected = LISTED_BY_YOU if user == market.seller else LISTED_ALREADY
    assert errors(response) == errors(with_others) == expected
    assert (await market.ticket(second))["protection"]["grade"] == "described"


async def test_link_is_no_reason_to_refuse_a_file(market: Market) -> None:
    await market.list_protected(CODE)
    first, second, third = [await market.list_ticket() for _ in range(3)]

    one = await market.upload(first, LINK)
    other = await market.upload(second, LINK)
    both = await market.upload(third, LINK, OTHER_CODE)

    assert (one.status_code, other.status_code, both.status_code) == (200, 200, 200)
    docs = await entry_docs(market)
    assert [len(doc.get("fingerprints", ())) for doc in docs] == [1, 0, 0, 1]


async def test_file_without_code_is_kept_and_recognized_by_its_content(market: Market) -> None:
    first, second = [await market.list_ticket() for _ in range(2)]
    file = ticket_pdf()

    kept = await market.upload_file(first, file, "application/pdf")
    refused = await market.upload_file(second, file, "application/pdf")

    assert kept.json()["protection"] == {"grade": "vault", "symbologies": [], "revealed": False}
    assert (refused.status_code, errors(refused)) == (409, LISTED_BY_YOU)


async def test_upload_is_for_the_seller_of_an_available_ticket(market: Market) -> None:
    ticket_id = await market.list_ticket()
    order = await market.order(ticket_id)
    reserved = await market.upload(ticket_id, CODE)
    await market.cancel(order)
    of_another = await market.upload(ticket_id, CODE, user=market.stranger)
    of_none = await market.upload(str(ObjectId()), CODE)
    await market.withdraw(ticket_id)
    withdrawn = await market.upload(ticket_id, CODE)
    market.client.sign_out()
    anonymous = await market.client.put(f"/api/tickets/{ticket_id}/file", content=b"x")

    responses = [reserved, of_another, of_none, withdrawn, anonymous]
    assert [response.status_code for response in responses] == [400, 401, 404, 400, 401]
    assert await entry_docs(market) == []


async def test_file_that_is_no_ticket_is_refused(market: Market) -> None:
    ticket_id = await market.list_ticket()

    text = await market.upload_file(ticket_id, b"hello", "text/plain")
    broken = await market.upload_file(ticket_id, b"%PDF-1.7 broken", "application/pdf")

    assert (text.status_code, broken.status_code) == (415, 400)
    assert await entry_docs(market) == []


async def test_replaced_file_is_removed_after_a_day(market: Market) -> None:
    ticket_id = await market.list_protected(CODE)
    second = await market.list_ticket()

    replaced = await market.upload(ticket_id, OTHER_CODE)
    at_once = await market.upload(second, CODE)
    market.clock.advance(minutes=2)
    later = await market.upload(second, CODE)
    market.clock.advance(hours=25)
    await sweep(market)

    assert (replaced.status_code, at_once.status_code, later.status_code) == (200, 409, 200)
    first, current, _ = await entry_docs(market)
    assert (first["state"], first["sealed"], first["fingerprints"]) == ("void", None, [])
    assert (current["state"], current["is_current"]) == ("sealed", True)

    async def has_event() -> bool:
        states = [event.state for event in await market.published.all(VaultUpdated)]
        return VaultState.VOID in states

    await eventually(has_event)


async def test_withdrawn_ticket_frees_its_code_and_loses_its_file(market: Market) -> None:
    ticket_id = await market.list_protected(CODE)
    second = await market.list_ticket(market.stranger)

    await market.withdraw(ticket_id)
    at_once = await market.upload(second, CODE, user=market.stranger)
    market.clock.advance(minutes=2)
    later = await market.upload(second, CODE, user=market.stranger)
    market.clock.advance(hours=25)
    await sweep(market)

    assert (at_once.status_code, later.status_code) == (409, 200)
    first, _ = await entry_docs(market)
    assert (first["state"], first["sealed"]) == ("void", None)


async def test_sweeps_settle_all_entries_in_turn(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault_sweeper, "MAX_ENTRIES", 1)
    for code in (CODE, OTHER_CODE):
        await market.withdraw(await market.list_protected(code))
    market.clock.advance(minutes=2)  # the codes are free, the files stay

    await sweep(market)
    await sweep(market)

    assert [doc["is_current"] for doc in await entry_docs(market)] == [False, False]
    assert [doc["state"] for doc in await entry_docs(market)] == ["sealed", "sealed"]


async def test_ticket_withdrawn_by_the_end_of_its_order_frees_its_code(market: Market) -> None:
    ticket_id = await market.list_protected(CODE)
    order = await market.order(ticket_id)
    await market.withdraw(ticket_id)
    (reserved,) = await entry_docs(market)

    await market.cancel(order)

    (freed,) = await entry_docs(market)
    assert reserved["released_at"] is None
    assert freed["released_at"] == market.clock()


async def test_order_that_arrives_after_the_withdrawal_keeps_the_file(market: Market) -> None:
    ticket_id = await market.list_protected(CODE)
    await market.withdraw(ticket_id)

    await market.sell(ticket_id)
    market.clock.advance(hours=25)
    await sweep(market)

    (entry,) = await entry_docs(market)
    assert (entry["released_at"], entry["is_current"]) == (None, True)
    assert (await market.reveal(ticket_id, market.buyer)).status_code == 200
